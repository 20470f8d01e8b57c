// Faults that are staged with root's rights and Debian's tools: .ci/run has both.
import { defineConfig } from 'vitest/config';
import { globalSetup, shared } from './vitest.config.ts';

export default defineConfig({
  test: {
    ...shared,
    globalSetup,
    include: ['test/faults/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 120_000,
  },
});
