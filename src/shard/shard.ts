// A serving shard: a synchronous, deterministic state machine over its table and its files. Time
// comes with each batch. Knows no thread. opened-shard.ts has the shard before it serves, and
// commit/ how a batch becomes durable and visible.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { HashKey } from '../base/entry-hash.ts';
import { retrySoon, StoreError, systemErrorCode, type Outcome } from '../base/errors.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { MemoryNews } from '../memory/memory-news.ts';
import {
  isEntryWrite,
  type BatchReply,
  type BatchRequest,
  type ShardAnswer,
  type ShardOperation,
  type ShardReport,
} from '../protocol/shard-operation.ts';
import type { SnapshotReference } from '../storage/current.ts';
import { durabilityOf } from '../store/result.ts';
import type { BatchCommit, BatchCommitOptions } from './commit/batch-commit.ts';
import { outcomesHeapBytes } from './commit/prepared-transactions.ts';
import type { SealedFiles, ShardFiles } from './files/shard-files.ts';
import type { ShardPlace } from './shard-place.ts';
import type { BackupSource } from './streams/backup-stream.ts';
import type { MemoryLimits } from './table/memory-limits.ts';

export interface ShardOptions extends ShardPlace {
  readonly fsync: FsyncMode;
  /** Undefined: no limit. */
  readonly memory?: MemoryLimits;
  /** Undefined: a random one. */
  readonly hashKey?: HashKey;
  /** The least size of the reserve, in bytes. */
  readonly reserveBytesMin?: number;
  /** For durations only. */
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** The parts of a serving shard, as `OpenedShard.start` makes them. */
export interface ServingParts extends BatchCommitOptions {
  readonly commit: BatchCommit;
  /** Number of outcomes in the journals that recovery read. */
  readonly oldOutcomes: number;
}

export class Shard {
  readonly #parts: ServingParts;
  /**
   * Outcomes in the live journals, less those recorded since the start. Negative once compactions
   * have removed more outcomes than recovery found.
   */
  #oldOutcomes: number;
  /** Outcomes that the running compaction removes from the live journals. */
  #outcomesAtCompaction = 0;
  #syncSeconds = NaN;
  /** The next seq when the shard last left a mark, or tried to. */
  #markedSeq: number;
  /** True if the disk had no room to record an outcome. */
  #isStuck = false;

  constructor(parts: ServingParts) {
    this.#parts = parts;
    this.#oldOutcomes = parts.oldOutcomes;
    this.#markedSeq = parts.files.writer.nextSeq;
  }

  apply({ timestamp, operations }: BatchRequest): BatchReply<ShardAnswer> {
    this.#syncSeconds = NaN;
    this.#isStuck = false;
    if (this.#files.writer.isBroken) return this.#refuseAll(operations, 'not-applied');
    try {
      const { commit } = this.#parts;
      const committed = commit.run(operations, timestamp, this.#outcomesHeapBytes);
      const { answers: results, isStuck, syncSeconds } = committed;
      assert(results.length <= operations.length, 'a batch answers only what was asked');
      this.#isStuck = isStuck;
      this.#syncSeconds = syncSeconds;
      // A mark that finds no room must not fail the batch.
      if (operations.some(({ op }) => op === 'mark')) this.#markIfPossible(timestamp);
      return { report: this.report(), results };
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return this.#refuseAll(operations, this.#files.writer.isBroken ? 'unknown' : 'not-applied');
    }
  }

  /** News of the memory since the last call, for a thread that reads it; undefined if none. */
  takeNews(): MemoryNews | undefined {
    return this.#parts.table.takeNews();
  }

  /** @returns undefined if there is nothing to compact */
  beginCompaction(timestamp: number): SealedFiles | undefined {
    const { space } = this.#parts;
    const roomBytes = space.isFull ? space.compactionBytes : undefined;
    const input = this.#files.beginCompaction(
      timestamp,
      roomBytes,
      this.#parts.transactions.records(),
    );
    if (input === undefined) return undefined;
    space.compactionBegan();
    const { recorded, remembered } = this.#parts.transactions;
    this.#outcomesAtCompaction = this.#oldOutcomes + recorded - remembered;
    return input;
  }

  /** Ends the compaction in progress without a new snapshot. */
  abortCompaction(): ShardReport {
    this.#syncSeconds = NaN;
    this.#parts.space.compactionEnded();
    return this.report();
  }

  /**
   * Ends the journal, so that everything up to this moment is in immutable files.
   *
   * @throws StoreError SHARD_UNAVAILABLE if the journal is broken; system errors
   */
  cut(timestamp: number): BackupSource {
    if (this.#files.writer.isBroken) throw journalIsBroken('not-applied');
    return { ...this.#files.sealJournal(timestamp), seq: this.#files.writer.nextSeq };
  }

  installSnapshot(snapshot: SnapshotReference): ShardReport {
    this.#syncSeconds = NaN;
    this.#files.installSnapshot(snapshot, !this.#parts.space.isFull);
    this.#oldOutcomes -= this.#outcomesAtCompaction;
    this.#outcomesAtCompaction = 0;
    this.#parts.space.compactionEnded();
    return this.report();
  }

  /** Syncs without blocking batches, for mode `interval`. */
  async syncSoon(): Promise<ShardReport> {
    const from = this.#parts.clock.monotonicMs();
    await this.#files.writer.syncSoon();
    this.#syncSeconds = (this.#parts.clock.monotonicMs() - from) / 1000;
    return this.report();
  }

  /**
   * After a failed sync: continues in files that can be trusted.
   *
   * @throws system errors while the disk does not work; the caller may try again
   */
  mend(timestamp: number): ShardReport {
    if (this.#files.writer.isBroken) {
      this.#files.mend(this.#parts.table, this.#parts.transactions.records(), timestamp);
    }
    this.#isStuck = false;
    // Nothing reports a compaction that fails while the shard is suspended, so this clears it.
    this.#parts.space.compactionEnded();
    return this.report();
  }

  /** Leaves a durable mark. The caller must not use the shard afterwards. */
  stop(timestamp: number): void {
    if (this.#files.writer.isBroken && !this.#couldMend(timestamp)) return;
    const { writer } = this.#files;
    try {
      this.#files.stop(timestamp);
    } catch (error) {
      // All lines are synced before the mark. If the mark finds no room, the next start does
      // without it.
      if (systemErrorCode(error) === undefined || writer.isBroken) throw error;
    }
  }

  /**
   * @returns false if the disk does not work yet
   * @throws system errors if acknowledged writes may be lost
   */
  #couldMend(timestamp: number): boolean {
    try {
      this.mend(timestamp);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === undefined || this.#parts.fsync !== 'always') throw error;
      return false;
    }
  }

  report(): ShardReport {
    const { writer, journalBytes, liveJournals, snapshotBytes } = this.#files;
    return {
      durability: durabilityOf(this.#parts.fsync),
      nextSeq: writer.nextSeq,
      entries: this.#parts.table.entries,
      bytes: this.#parts.table.bytes,
      heapBytes:
        this.#parts.table.memoryBytes +
        this.#parts.transactions.heapBytes +
        this.#outcomesHeapBytes,
      heapBytesMax: this.#parts.memory.keptBytesMax,
      journalBytes,
      liveJournals,
      snapshotBytes,
      nextExpiryAt: this.#parts.table.nextExpiryAt,
      syncSeconds: this.#syncSeconds,
      hasUnsynced: writer.syncedBytes < writer.writtenBytes,
      hasUnmarked: writer.nextSeq > this.#markedSeq,
      isBroken: writer.isBroken || this.#isStuck,
      isDiskFull: this.#parts.space.isFull,
      wantsCompaction: this.#parts.space.wantsCompaction,
      namespaces: this.#parts.table.takeTouched(),
    };
  }

  /** A start holds all outcomes of live journals in memory, so they count. */
  get #outcomesHeapBytes(): number {
    return outcomesHeapBytes(this.#oldOutcomes + this.#parts.transactions.recorded);
  }

  get #files(): ShardFiles {
    return this.#parts.files;
  }

  #markIfPossible(timestamp: number): void {
    const { writer } = this.#files;
    if (writer.nextSeq === this.#markedSeq) return;
    this.#markedSeq = writer.nextSeq;
    try {
      writer.appendMark('idle', timestamp);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }

  #refuseAll(
    operations: readonly ShardOperation[],
    outcome: 'not-applied' | 'unknown',
  ): BatchReply<ShardAnswer> {
    const results = operations.map((operation): ShardAnswer => {
      const error = journalIsBroken(isEntryWrite(operation) ? outcome : 'not-applied');
      return { kind: 'refused', error };
    });
    return { report: this.report(), results };
  }
}

function journalIsBroken(outcome: Outcome): StoreError {
  const detail = 'The shard of this key could not write to its journal.';
  return new StoreError('SHARD_UNAVAILABLE', detail, { ...retrySoon, outcome });
}
