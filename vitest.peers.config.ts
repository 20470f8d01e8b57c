// Beside other servers, which Debian's packages have: .ci/run installs them.
import { defineConfig } from 'vitest/config';
import { globalSetup, shared } from './vitest.config.ts';

export default defineConfig({
  test: {
    ...shared,
    globalSetup,
    include: ['test/peers/**/*.test.ts'],
    maxWorkers: 1,
  },
});
