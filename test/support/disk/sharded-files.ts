// Makes the files of a whole store with several shards in memory, without threads. Records every
// entry that the store ever had. Runs transactions over several shards step by step, so that a test
// can stop at any step.
import { openDataFolder } from '../../../src/engine/data-folder.ts';
import type { BackupCut } from '../../../src/shard/streams/backup-stream.ts';
import { compact } from '../../../src/shard/streams/compaction.ts';
import { OpenedShard } from '../../../src/shard/opened-shard.ts';
import type { Shard } from '../../../src/shard/shard.ts';
import { systemErrorCode } from '../../../src/base/errors.ts';
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import type { ShardPlace } from '../../../src/shard/shard-place.ts';
import { recoverShard, type Recovered } from '../../../src/shard/recovery/recovery.ts';
import type { SnapshotReference } from '../../../src/storage/current.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { resolveInDoubt } from '../../../src/storage/transaction-outcome.ts';
import { openOfflineStore } from '../../../src/tools/offline-store.ts';
import { shardOfKey } from '../../../src/store/slot.ts';
import type {
  EntryChange,
  PrepareOperation,
  ShardOperation,
} from '../../../src/protocol/shard-operation.ts';
import { ManualClock } from '../simulated/manual-clock.ts';
import { startOf } from '../stores/bare-shard-store.ts';
import { listOf } from '../stores/operations.ts';

/** `key@version=value` of an entry, the key and value as byte strings. */
export function entryText(key: string, version: number, value: string): string {
  return `${key}@${version}=${value}`;
}

export class ShardedFiles {
  readonly dataDir: string;
  readonly fileSystem: FileSystem;
  readonly clock = new ManualClock();
  /** Every entry that was ever acknowledged, as `entryText` writes it. */
  readonly written = new Set<string>();
  /** Key and value of each put that was answered `unknown`, as `key=value`. */
  readonly inDoubt = new Set<string>();
  readonly places: readonly ShardPlace[];
  /** Entries put by transactions: their versions differ from the seqs of their records. */
  readonly transacted = new Set<string>();
  /** The entries that each transaction puts, by the transaction's id. */
  readonly putsOf = new Map<string, ReadonlySet<string>>();
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
    const opened = this.places.map((place) => new OpenedShard({ ...place, fsync, clock }));
    const inDoubt = opened.map(
      ({ found }) => new Map(found.inDoubt.map((one) => [one.transaction, one])),
    );
    const ids = inDoubt.flatMap((one) => [...one.keys()]);
    const outcomes = resolveInDoubt(
      opened.map((shard, index) => ({
        prepared: inDoubt[index] ?? new Map(),
        outcomes: shard.outcomesOf(ids),
      })),
    );
    // As in the engine, time starts no lower than on disk.
    const behindMs = Math.max(...opened.map(({ found }) => found.at)) - clock.wallMs();
    if (behindMs > 0) clock.advance(behindMs);
    this.#shards = opened.map((shard) => shard.start({ ...startOf(clock.wallMs()), outcomes }));
    for (const [transaction, committed] of outcomes) if (committed) this.#acknowledge(transaction);
  }

  /** Writes one batch of changes. The value undefined deletes the key. */
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
      const { results } = shard.apply({ timestamp: clock.wallMs(), operations });
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

  /**
   * Prepares a transaction.
   *
   * @param into prepares only in these shards; else in all participants
   * @param flush namespaces to clear; then all shards are participants
   * @returns whether all participants have prepared it
   */
  prepare(
    transaction: string,
    changes: readonly (readonly [key: string, value: string | undefined])[],
    into?: readonly number[],
    flush: readonly string[] = [],
  ): boolean {
    const { clock } = this;
    clock.advance(1);
    const all = [...this.places.keys()];
    const shards = flush.length > 0 ? all : this.shardsOf(changes.map(([key]) => key));
    const puts: string[] = [];
    let isWhole = true;
    for (const index of shards) {
      const shard = this.#shards[index];
      const isAsked = into === undefined || into.includes(index);
      if (!isAsked) isWhole = false;
      if (shard === undefined || !isAsked) continue;
      const version = shard.report().nextSeq;
      const own = changes.filter(([key]) => this.shardOf(key) === index);
      const operation: PrepareOperation = {
        op: 'prepare',
        transaction,
        participants: shards,
        flush,
        changes: own.map(([key, value]) => changeOf(key, value)),
        version,
        validUntil: Infinity,
      };
      puts.push(...putsOfChange(own, version));
      const { results } = shard.apply({ timestamp: clock.wallMs(), operations: [operation] });
      if (results[0]?.kind !== 'done') isWhole = false;
    }
    for (const entry of puts) this.transacted.add(entry);
    this.putsOf.set(transaction, new Set(puts));
    return isWhole;
  }

  /** Records the outcome of a transaction in these shards. */
  resolve(transaction: string, commit: boolean, shards: readonly number[]): void {
    const { clock } = this;
    clock.advance(1);
    for (const index of shards) {
      const operation = { op: commit ? 'commit' : 'abort', transaction } as const;
      this.#shards[index]?.apply({ timestamp: clock.wallMs(), operations: [operation] });
    }
    if (commit) this.#acknowledge(transaction);
  }

  /** All participants have recorded the outcome, so these may forget it. */
  forget(transaction: string, shards: readonly number[]): void {
    const operations = [{ op: 'forget', transaction }] as const;
    const timestamp = this.clock.wallMs();
    for (const index of shards) this.#shards[index]?.apply({ timestamp, operations });
  }

  /** Runs a transaction in one shard. Its version is a seq that the shard has passed since. */
  transactIn(index: number, changes: readonly (readonly [string, string | undefined])[]): void {
    const shard = this.#shards[index];
    if (shard === undefined) throw new Error('no such shard');
    const version = shard.report().nextSeq;
    const beside = { namespace: 'beside', key: changes[0]?.[0] ?? '' };
    const operations: ShardOperation[] = [
      { op: 'put', ...beside, value: Buffer.from('x') },
      { op: 'delete', ...beside },
      {
        op: 'change',
        changes: changes.map(([key, value]) => changeOf(key, value)),
        version,
        validUntil: Infinity,
      },
    ];
    shard.apply({ timestamp: this.clock.wallMs(), operations });
    for (const entry of putsOfChange(changes, version)) {
      this.written.add(entry);
      this.transacted.add(entry);
    }
  }

  put(key: string, value: string, how: { ttlMs?: number; namespace?: string } = {}): void {
    const { namespace = 'default', ttlMs } = how;
    const operation = { op: 'put', namespace, key, value: Buffer.from(value), ttlMs } as const;
    const timestamp = this.clock.wallMs();
    this.#shards[this.shardOf(key)]?.apply({ timestamp, operations: [operation] });
  }

  /** Continues after a failed sync. */
  mend(): void {
    for (const shard of this.#shards) shard.mend(this.clock.wallMs());
  }

  compact(index: number): void {
    this.beginCompaction(index)();
  }

  /** @returns the function that ends the compaction */
  beginCompaction(index: number): () => void {
    const [shard, place] = [this.#shards[index], this.places[index]];
    if (shard === undefined || place === undefined) throw new Error('no such shard');
    const input = shard.beginCompaction(this.clock.wallMs());
    return () => {
      if (input === undefined) return;
      let snapshot: SnapshotReference;
      try {
        snapshot = compact(place, input);
      } catch (error) {
        // If the shard has continued from memory meanwhile, it may have removed the sources.
        if (systemErrorCode(error) === undefined) throw error;
        shard.abortCompaction();
        return;
      }
      shard.installSnapshot(snapshot);
    };
  }

  /** The entries that the store serves, by key. */
  entries(): Map<string, ReadEntry> {
    const query = listOf({ limit: 1000, includeValues: true });
    const found = new Map<string, ReadEntry>();
    for (const shard of this.#shards) {
      const timestamp = this.clock.wallMs();
      const request = { timestamp, operations: [{ op: 'list', query, now: timestamp }] } as const;
      const [page] = shard.apply(request).results;
      if (page?.kind !== 'page') throw new Error('a page expected');
      for (const { key, version, value = '' } of page.items) found.set(key, { version, value });
    }
    return found;
  }

  /** The sources of a backup at this moment. */
  cut(): BackupCut {
    const at = this.clock.wallMs();
    const parts = this.places.map(({ folder, name, identity }, index) => {
      const shard = this.#shards[index];
      if (shard === undefined) throw new Error('every place has its shard');
      return { folder, name, identity, source: shard.cut(at) };
    });
    // A copy, as after the way to another thread.
    return structuredClone({ parts, at, createdAt: at });
  }

  stop(): void {
    for (const shard of this.#shards) shard.stop(this.clock.wallMs());
  }

  shardOf(key: string): number {
    return shardOfKey(key, this.places.length);
  }

  /** The shards of these keys, in order. */
  shardsOf(keys: readonly string[]): number[] {
    return [...new Set(keys.map((key) => this.shardOf(key)))].toSorted((a, b) => a - b);
  }

  #acknowledge(transaction: string): void {
    for (const entry of this.putsOf.get(transaction) ?? []) this.written.add(entry);
  }
}

function changeOf(key: string, value: string | undefined): EntryChange {
  const bytes = value === undefined ? undefined : Buffer.from(value, 'latin1');
  const put = bytes === undefined ? undefined : { value: bytes, expiresAt: undefined };
  return { namespace: 'default', key, put };
}

function putsOfChange(
  changes: readonly (readonly [key: string, value: string | undefined])[],
  version: number,
): string[] {
  return changes.flatMap(([key, value]) =>
    value === undefined ? [] : [entryText(key, version, value)],
  );
}

export interface ReadEntry {
  readonly version: number;
  readonly value: string;
}

/** The entries that a start would serve, by key. */
export function readEntries(fileSystem: FileSystem, dataDir: string): Map<string, ReadEntry> {
  const found = new Map<string, ReadEntry>();
  const recovered = openOfflineStore(fileSystem, dataDir).shards.map((place) =>
    recoverShard(place),
  );
  resolveAll(recovered);
  for (const { table } of recovered) {
    for (const entry of table.entriesOf('default')) {
      found.set(entry.key, { version: entry.version, value: entry.value });
    }
  }
  return found;
}

/** Resolves the transactions in doubt, as a start does. */
export function resolveAll(shards: readonly Recovered[]): void {
  const outcomes = resolveInDoubt(shards.map(({ traces }) => traces));
  for (const { traces } of shards) {
    for (const [transaction, committed] of outcomes) traces.resolve(transaction, committed);
  }
}
