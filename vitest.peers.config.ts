// Beside other servers, which Debian's packages have: .ci/run installs them.
import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

export default defineConfig({
  test: {
    ...shared,
    include: ['test/peers/**/*.test.ts'],
    maxWorkers: 1,
  },
});
