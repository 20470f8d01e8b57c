// One shard: a synchronous, deterministic state machine over its table and its files. Time comes
// with each batch; threads are unknown here.
//
// A batch is decided against a staging, written as one journal line, synced (in `always`), made
// visible, and only then answered.
import { assert } from '../base/assert.ts';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type {
  BatchReply,
  BatchRequest,
  ShardAnswer,
  ShardOperation,
  ShardReport,
} from '../protocol/shard-operation.ts';
import type { Clock } from '../base/clock.ts';
import type { SnapshotReference } from '../storage/current.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import { BatchRun, type Refusal } from './batch-run.ts';
import type { EntryTable } from './entry-table.ts';
import { recoverShard, type Recovered, type ShardPlace, type TornTail } from './recovery.ts';
import { ShardFiles, type CompactionInput } from './shard-files.ts';

export interface ShardOptions extends ShardPlace {
  readonly fsync: FsyncMode;
  /** What entries may take of the heap, in bytes; undefined: as much as they like. */
  readonly heapBytesMax?: number;
  /** For durations only. */
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** What opening a shard found. */
export interface ShardOpened {
  readonly entries: number;
  /** The highest stamp on disk: time must start no lower. */
  readonly at: number;
  /** What starting will cut off. */
  readonly torn: readonly TornTail[];
}

const refusals: readonly Refusal[] = ['none', 'puts', 'writes'];

export class Shard {
  readonly #options: ShardOptions;
  readonly #table: EntryTable;
  #recovered: Recovered | undefined;
  #openFiles: ShardFiles | undefined;
  #syncSeconds = NaN;
  /** The seq up to which a mark says that all is durable. */
  #markedSeq = 0;

  /**
   * Reads and proves all live files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED or STORE_MISMATCH; system errors
   */
  constructor(options: ShardOptions) {
    this.#options = options;
    this.#recovered = recoverShard(options);
    this.#table = this.#recovered.table;
  }

  get opened(): ShardOpened {
    assert(this.#recovered !== undefined, 'a shard is asked what it found before it is started');
    const { at, torn } = this.#recovered;
    return { entries: this.#table.entries, at, torn };
  }

  /** Brings the files into order; the shard serves from here on. */
  start(stamp: number): ShardReport {
    assert(this.#recovered !== undefined, 'a shard is started once');
    const { fsync } = this.#options;
    this.#openFiles = ShardFiles.start(this.#options, this.#recovered, fsync, stamp);
    this.#recovered = undefined;
    this.#markedSeq = this.#files.writer.nextSeq;
    return this.report();
  }

  apply({ stamp, operations }: BatchRequest): BatchReply<ShardAnswer> {
    this.#syncSeconds = NaN;
    if (this.#files.writer.isBroken) return this.#refuseAll(operations, 'not-applied');
    try {
      const results = this.#applyAsFits(operations, stamp);
      // What was carried out stands, whether or not its mark finds room.
      if (operations.some(({ op }) => op === 'mark')) this.#markIfPossible(stamp);
      return { report: this.report(), results };
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return this.#refuseAll(operations, this.#files.writer.isBroken ? 'unknown' : 'not-applied');
    }
  }

  /** Undefined where there is nothing to compact. */
  beginCompaction(stamp: number): CompactionInput | undefined {
    return this.#files.beginCompaction(stamp);
  }

  takeSnapshot(snapshot: SnapshotReference): ShardReport {
    this.#syncSeconds = NaN;
    this.#files.takeSnapshot(snapshot);
    return this.report();
  }

  /** Syncs beside the batches; for `interval`. */
  async syncSoon(): Promise<ShardReport> {
    const from = this.#options.clock.monotonicMs();
    await this.#files.writer.syncSoon();
    this.#syncSeconds = (this.#options.clock.monotonicMs() - from) / 1000;
    return this.report();
  }

  /** Leaves a durable mark; the shard is done. */
  stop(stamp: number): void {
    const { writer } = this.#files;
    if (writer.isBroken) return;
    try {
      this.#files.stop(stamp);
    } catch (error) {
      // All is synced before the mark is tried; without room for it the next start does without.
      if (systemErrorCode(error) === undefined || writer.isBroken) throw error;
    }
  }

  report(): ShardReport {
    const { writer, journalBytes, liveJournals, snapshotBytes } = this.#files;
    return {
      durability: this.#options.fsync === 'always' ? 'synced' : 'written',
      nextSeq: writer.nextSeq,
      entries: this.#table.entries,
      bytes: this.#table.bytes,
      journalBytes,
      liveJournals,
      snapshotBytes,
      nextExpiryAt: this.#table.nextExpiryAt,
      syncSeconds: this.#syncSeconds,
      hasUnsynced: writer.syncedBytes < writer.writtenBytes,
      hasUnmarked: writer.nextSeq > this.#markedSeq,
      isBroken: writer.isBroken,
    };
  }

  get #files(): ShardFiles {
    assert(this.#openFiles !== undefined, 'a shard is started before it serves');
    return this.#openFiles;
  }

  /** On a full disk, what can go on goes on: reads always, deletes where their line still fits. */
  #applyAsFits(operations: readonly ShardOperation[], stamp: number): readonly ShardAnswer[] {
    for (const refusal of refusals) {
      const run = new BatchRun(this.#table, {
        now: stamp,
        firstSeq: this.#files.writer.nextSeq,
        refusal,
        heapBytesMax: this.#options.heapBytesMax ?? Infinity,
      });
      run.run(operations);
      if (this.#write(run.staging.records, stamp)) {
        run.staging.commit();
        return run.answers;
      }
    }
    throw new Error('a batch without writes needs no room');
  }

  /** False where there is no room; the journal is then as it was. */
  #write(records: readonly string[], stamp: number): boolean {
    if (records.length === 0) return true;
    const { writer } = this.#files;
    try {
      writer.append(records, stamp);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'DISK_FULL') return false;
      throw error;
    }
    if (this.#options.fsync === 'always') this.#sync();
    return true;
  }

  #sync(): void {
    const { clock } = this.#options;
    const from = clock.monotonicMs();
    this.#files.writer.sync();
    this.#syncSeconds = (clock.monotonicMs() - from) / 1000;
  }

  #markIfPossible(stamp: number): void {
    const { writer } = this.#files;
    if (writer.nextSeq === this.#markedSeq) return;
    this.#markedSeq = writer.nextSeq;
    try {
      writer.appendMark('idle', stamp);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }

  #refuseAll(
    operations: readonly ShardOperation[],
    outcome: 'not-applied' | 'unknown',
  ): BatchReply<ShardAnswer> {
    const detail = 'The shard of this key could not write to its journal.';
    const results = operations.map(({ op }): ShardAnswer => {
      const happened = op === 'put' || op === 'delete' ? outcome : 'not-applied';
      const facts = { outcome: happened, retryable: true, retryAfterMs: 1000 };
      return { kind: 'refused', error: new StoreError('SHARD_UNAVAILABLE', detail, facts) };
    });
    return { report: this.report(), results };
  }
}
