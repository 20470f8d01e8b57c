import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** What all tests share. */
export const shared: TestProjectInlineConfiguration['test'] = {
  // Worker threads run compiled code, which vitest's transform does not reach: build first, always.
  globalSetup: ['test/support/processes/build-first.ts'],
  // As Node does it: a CommonJS module's exports are its default export, whatever is among them.
  deps: { interopDefault: false },
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 30_000,
};

/** Set where all tests have run on one Node and run on another: what repeats itself is left out. */
const isSecondRun = process.env['TESTS_SECOND_RUN'] === '1';
const longestLoops = [
  'test/simulation/**',
  'test/processes/**',
  'test/engine/transaction-crash-points.test.ts',
];

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
          exclude: [
            'test/faults/**',
            'test/overload/**',
            'test/peers/**',
            ...(isSecondRun ? longestLoops : []),
          ],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'overload',
          include: isSecondRun ? [] : ['test/overload/**/*.test.ts'],
          // Floods need the machine for themselves: after everything else, one by one.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
