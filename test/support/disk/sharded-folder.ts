// A whole data folder with its shards. Tests write to the shards directly, without router or threads.
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import { openDataFolder } from '../../../src/engine/data-folder.ts';
import { BackupStream, type BackupCut } from '../../../src/shard/streams/backup-stream.ts';
import { compact } from '../../../src/shard/streams/compaction.ts';
import { recoverShard } from '../../../src/shard/recovery/recovery.ts';
import { OpenedShard } from '../../../src/shard/opened-shard.ts';
import type { Shard } from '../../../src/shard/shard.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { placesOf } from '../../../src/shard/shard-place.ts';
import { readManifest } from '../../../src/storage/manifest.ts';
import type { Operation } from '../../../src/store/operation.ts';
import { shardOfKey } from '../../../src/store/slot.ts';
import { ManualClock } from '../simulated/manual-clock.ts';
import { startOf } from '../stores/bare-shard-store.ts';

export const dataDir = '/data';

export class ShardedFolder {
  readonly #fileSystem: FileSystem;
  readonly #locations;
  readonly #shards: readonly Shard[];
  readonly timestamp: number;

  /** Makes the folder if there is none. An existing folder decides the number of shards. */
  constructor(
    fileSystem: FileSystem,
    shards: number,
    fsync: FsyncMode = 'always',
    path: string = dataDir,
  ) {
    fileSystem.makeFolder(path);
    const counts = { asked: undefined, byDefault: shards };
    this.#fileSystem = fileSystem;
    this.#locations = openDataFolder(fileSystem, path, counts, 0);
    const clock = new ManualClock();
    const opened = this.#locations.map(
      (location) => new OpenedShard({ ...location, fileSystem, fsync, clock }),
    );
    this.timestamp = Math.max(1_000_000, ...opened.map(({ found }) => found.at));
    this.#shards = opened.map((shard) => shard.start(startOf(this.timestamp)));
  }

  /** @returns the version, or undefined if nothing was written */
  write(operation: Operation): number | undefined {
    const shard = this.#shards[shardOfKey(operation.key, this.#shards.length)];
    const reply = shard?.apply({ timestamp: this.timestamp, operations: [operation] });
    const result = reply?.results[0];
    if (result?.kind === 'refused') throw result.error;
    return result?.kind === 'written' ? result.version : undefined;
  }

  /** Writes all at once, in one batch for each shard. */
  writeAll(operations: readonly Operation[]): void {
    for (const [number, shard] of this.#shards.entries()) {
      const own = operations.filter(({ key }) => shardOfKey(key, this.#shards.length) === number);
      shard.apply({ timestamp: this.timestamp, operations: own });
    }
  }

  compact(number: number): void {
    const [location, shard] = [this.#locations[number], this.#shards[number]];
    const input = shard?.beginCompaction(this.timestamp);
    if (location === undefined || shard === undefined || input === undefined) return;
    shard.installSnapshot(compact({ ...location, fileSystem: this.#fileSystem }, input));
  }

  /** The sources of a backup at this moment. */
  cut(): BackupCut {
    const parts = this.#locations.map((location, number) => {
      const shard = this.#shards[number];
      if (shard === undefined) throw new Error('every location has its shard');
      return { ...location, source: shard.cut(this.timestamp) };
    });
    // A copy, as after the way to another thread.
    return structuredClone({ parts, at: this.timestamp, createdAt: 2_000_000 });
  }

  stop(): void {
    for (const shard of this.#shards) shard.stop(this.timestamp);
  }
}

/** All entries of all shards as text, to compare. */
export function contentsOfFolder(fileSystem: FileSystem, path: string = dataDir): string[] {
  const manifest = readManifest(fileSystem, path);
  if (manifest === undefined) throw new Error('there is no store');
  const lines = placesOf(fileSystem, path, manifest).flatMap((place) => {
    const { table } = recoverShard(place);
    return table.namespaces().flatMap((namespace) =>
      Array.from(table.entriesOf(namespace), ({ key, version, expiresAt, value }) => {
        const bytes = Buffer.from(value, 'latin1').toString('base64');
        return `${namespace} ${key} ${version} ${expiresAt ?? '-'} ${bytes}`;
      }),
    );
  });
  return lines.toSorted();
}

/** The seq of each shard's next change, as a start finds it. */
export function seqsOfFolder(fileSystem: FileSystem, path: string = dataDir): number[] {
  const manifest = readManifest(fileSystem, path);
  if (manifest === undefined) throw new Error('there is no store');
  return placesOf(fileSystem, path, manifest).map(
    (place) => recoverShard(place).openJournal.end.seq,
  );
}

/** The bytes of a whole backup of the folder. */
export function backupOf(fileSystem: FileSystem, cut: BackupCut): Buffer {
  const stream = new BackupStream(fileSystem, cut);
  const pieces: Uint8Array[] = [];
  for (let piece = stream.next(); piece !== undefined; piece = stream.next()) pieces.push(piece);
  return Buffer.concat(pieces);
}
