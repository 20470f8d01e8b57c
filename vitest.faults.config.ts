// Faults that are staged with root's rights and Debian's tools: .ci/run has both.
import { defineConfig } from 'vitest/config';
import { globalSetup, shared } from './vitest.config.ts';

/** A flood needs the machine for itself. */
const floods = ['test/faults/slow-disk.test.ts'];

const testTimeout = 120_000;

export default defineConfig({
  test: {
    globalSetup,
    projects: [
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: floods,
          maxWorkers: 2,
          testTimeout,
        },
      },
      {
        test: {
          ...shared,
          name: 'floods',
          include: floods,
          maxWorkers: 1,
          testTimeout,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
