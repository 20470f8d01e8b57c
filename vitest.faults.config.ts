// Faults that are staged with root's rights and Debian's tools: .ci/run has both.
import { defineConfig, mergeConfig } from 'vitest/config';
import shared from './vitest.config.ts';

export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/faults/**/*.test.ts'], testTimeout: 120_000 } }),
);
