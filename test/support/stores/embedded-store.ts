// The embedded engine over real threads and real files in a folder of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  openEmbeddedStore,
  type EmbeddedStoreOptions,
} from '../../../src/engine/open-embedded-store.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { ManualClock } from '../simulated/manual-clock.ts';

export interface TestFolder {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

export async function makeTestFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function openTestStore(
  dataDir: string,
  options: Partial<EmbeddedStoreOptions> = {},
): Promise<CommandStore> {
  return openEmbeddedStore({
    dataDir,
    shards: 2,
    fsync: 'always',
    fsyncIntervalMs: 1000,
    directReads: true,
    compactJournalBytes: 64 * 1024 * 1024,
    shardHeapMiB: 512,
    logger: pino({ level: 'silent' }),
    clock: new ManualClock(),
    ...options,
  });
}
