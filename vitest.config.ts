import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need root and tools that not everybody has: vitest.faults.config.ts.
    exclude: ['test/faults/**'],
    // Worker threads run compiled code, which vitest's transform does not reach: build first, always.
    globalSetup: ['test/support/build-first.ts'],
    // As Node does it: a CommonJS module's exports are its default export, whatever is among them.
    deps: { interopDefault: false },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
