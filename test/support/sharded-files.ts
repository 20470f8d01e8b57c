// Files of a whole store with several shards, made in memory without threads, and a record of every
// entry that was ever in it.
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { compact } from '../../src/shard/compaction.ts';
import { Shard } from '../../src/shard/shard.ts';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import type { ShardPlace } from '../../src/shard/recovery.ts';
import { recoverShard } from '../../src/shard/recovery.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { openOfflineStore } from '../../src/tools/offline-store.ts';
import { shardOfSlot, slotOfKey } from '../../src/store/slot.ts';
import { ManualClock } from './manual-clock.ts';
import { startOf } from './bare-shard-store.ts';

/** `key@version=value` of an entry, the key and value as byte strings. */
export function entryText(key: string, version: number, value: string): string {
  return `${key}@${version}=${value}`;
}

export class ShardedFiles {
  readonly dataDir: string;
  readonly fileSystem: FileSystem;
  readonly clock = new ManualClock();
  /** Every entry that was ever acknowledged. */
  readonly written = new Set<string>();
  /** Keys and values of puts that were answered `unknown`, as `key=value`. */
  readonly inDoubt = new Set<string>();
  readonly places: readonly ShardPlace[];
  #shards: Shard[] = [];

  constructor(fileSystem: FileSystem, dataDir: string, shards: number) {
    this.fileSystem = fileSystem;
    this.dataDir = dataDir;
    fileSystem.makeFolder(dataDir);
    const counts = { asked: shards, byDefault: shards };
    const locations = openDataFolder(fileSystem, dataDir, counts, this.clock.wallMs());
    this.places = locations.map((location) => ({ ...location, fileSystem }));
  }

  start(fsync: FsyncMode = 'always'): void {
    const { clock } = this;
    this.#shards = this.places.map((place) => new Shard({ ...place, fsync, clock }));
    for (const shard of this.#shards) shard.start(startOf(clock.wallMs()));
  }

  /** A value of undefined deletes. */
  write(changes: readonly (readonly [key: string, value: string | undefined])[]): void {
    const { clock } = this;
    clock.advance(1);
    for (const [index, shard] of this.#shards.entries()) {
      const operations = changes
        .filter(([key]) => this.shardOf(key) === index)
        .map(([key, value]) =>
          value === undefined
            ? ({ op: 'delete', namespace: 'default', key } as const)
            : ({
                op: 'put',
                namespace: 'default',
                key,
                value: Buffer.from(value, 'latin1'),
              } as const),
        );
      if (operations.length === 0) continue;
      const { results } = shard.apply({ stamp: clock.wallMs(), operations });
      for (const [at, answer] of results.entries()) {
        const operation = operations[at];
        if (operation?.op !== 'put') continue;
        const value = operation.value.toString('latin1');
        if (answer.kind === 'written') {
          this.written.add(entryText(operation.key, answer.version, value));
        } else if (answer.kind === 'refused' && answer.error.outcome === 'unknown') {
          this.inDoubt.add(`${operation.key}=${value}`);
        }
      }
    }
  }

  put(key: string, value: string, how: { ttlMs?: number; namespace?: string } = {}): void {
    const { namespace = 'default', ttlMs } = how;
    const operation = { op: 'put', namespace, key, value: Buffer.from(value), ttlMs } as const;
    const stamp = this.clock.wallMs();
    this.#shards[this.shardOf(key)]?.apply({ stamp, operations: [operation] });
  }

  /** Goes on where a sync has failed. */
  mend(): void {
    for (const shard of this.#shards) shard.mend(this.clock.wallMs());
  }

  compact(index: number): void {
    const [shard, place] = [this.#shards[index], this.places[index]];
    if (shard === undefined || place === undefined) throw new Error('no such shard');
    const input = shard.beginCompaction(this.clock.wallMs());
    if (input !== undefined) shard.takeSnapshot(compact(place, input));
  }

  stop(): void {
    for (const shard of this.#shards) shard.stop(this.clock.wallMs());
  }

  shardOf(key: string): number {
    return shardOfSlot(slotOfKey(key), this.places.length);
  }
}

export interface ReadEntry {
  readonly version: number;
  readonly value: string;
}

/** What a start of every shard would recover, by key. */
export function readEntries(fileSystem: FileSystem, dataDir: string): Map<string, ReadEntry> {
  const found = new Map<string, ReadEntry>();
  for (const place of openOfflineStore(fileSystem, dataDir).shards) {
    const { table } = recoverShard(place);
    for (const entry of table.ascending('default', '')) {
      found.set(entry.key, { version: entry.version, value: entry.value });
    }
  }
  return found;
}
