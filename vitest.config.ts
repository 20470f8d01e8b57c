import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** What all tests share. */
export const shared: TestProjectInlineConfiguration['test'] = {
  // Worker threads run compiled code, which vitest's transform does not reach: build first, always.
  globalSetup: ['test/support/build-first.ts'],
  // As Node does it: a CommonJS module's exports are its default export, whatever is among them.
  deps: { interopDefault: false },
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 30_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'tests',
          include: ['test/**/*.test.ts'],
          // Faults need root and tools that not everybody has: vitest.faults.config.ts. Peers are
          // other servers: vitest.peers.config.ts.
          exclude: ['test/faults/**', 'test/overload/**', 'test/peers/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'overload',
          include: ['test/overload/**/*.test.ts'],
          // Floods need the machine for themselves: after everything else, one by one.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
