// The commit of a batch. Runs the batch, appends its records as one journal line, and syncs the
// line. Only then makes the changes visible. On a full disk it retries with the changes that fit.
// Knows no operation.
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { isDiskFull, type StoreError } from '../../base/errors.ts';
import type { FsyncMode } from '../../base/fsync-mode.ts';
import type { ShardAnswer, ShardOperation } from '../../protocol/shard-operation.ts';
import type { DiskSpace } from '../files/disk-space.ts';
import type { ShardFiles } from '../files/shard-files.ts';
import type { EntryTable } from '../table/entry-table.ts';
import type { MemoryLimits } from '../table/memory-limits.ts';
import { BatchRun, type BatchRunOptions } from './batch-run.ts';
import type { PreparedTransactions } from './prepared-transactions.ts';
import type { Staging } from './staging.ts';

export interface BatchCommitOptions {
  readonly table: EntryTable;
  readonly transactions: PreparedTransactions;
  readonly files: ShardFiles;
  readonly space: DiskSpace;
  readonly memory: MemoryLimits;
  readonly fsync: FsyncMode;
  /** For durations only. */
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export interface Committed {
  /** One answer per operation that was run, in order. The rest did not fit into this batch. */
  readonly answers: readonly ShardAnswer[];
  /** True if the run ended before an outcome that the disk has no room to record. */
  readonly isStuck: boolean;
  /** The duration of the sync; NaN if there was none. */
  readonly syncSeconds: number;
}

/** Flushed entries whose memory a batch gives back: less than a millisecond, if no value is large. */
const reclaimedMax = 500;

/** The writes for which the disk may have room. */
type DiskRoom = Pick<BatchRunOptions, 'putBytesMax' | 'mayDelete' | 'mayResolve'>;

/**
 * The room for the next try. Puts give way first, then deletes, then outcomes.
 *
 * @param putBytes of the put records in the line that did not fit
 * @param fitted number of bytes that would have fitted
 */
function lessRoom(room: DiskRoom, putBytes: number, fitted: number): DiskRoom {
  if (putBytes > 0) {
    // After a second failure, the size that would have fitted is not reliable.
    return { ...room, putBytesMax: room.putBytesMax === Infinity ? fitted : 0 };
  }
  if (room.mayDelete) return { ...room, putBytesMax: 0, mayDelete: false };
  return { ...room, putBytesMax: 0, mayResolve: false };
}

export class BatchCommit {
  readonly #options: BatchCommitOptions;
  #syncSeconds = NaN;
  /** Timestamp of the last line, Unix milliseconds. */
  #lastTimestamp = 0;

  constructor(options: BatchCommitOptions) {
    this.#options = options;
  }

  /**
   * Runs and commits a batch. On a full disk the batch runs again with less. Reads always run, puts
   * run while they fit, and deletes may use the reserve.
   *
   * @param timestamp never below an earlier one
   * @param otherBytes memory kept for anything but entries and prepared changes
   * @throws system errors if the journal cannot be written or synced
   */
  run(operations: readonly ShardOperation[], timestamp: number, otherBytes: number): Committed {
    const { table, transactions, files, space, memory } = this.#options;
    this.#syncSeconds = NaN;
    const putBytesMax = space.mayPut() ? Infinity : 0;
    let room: DiskRoom = { putBytesMax, mayDelete: true, mayResolve: true };
    for (;;) {
      const firstSeq = files.writer.nextSeq;
      const run = new BatchRun(table, transactions, {
        now: timestamp,
        firstSeq,
        ...room,
        memory,
        otherBytes,
      });
      const { staging, quota, answers } = run;
      const fitted = this.#tryToRun(run, operations, timestamp);
      const { isStuck } = run;
      const { putBytes } = quota;
      if (fitted === undefined) {
        assert(
          files.writer.nextSeq === firstSeq + staging.records.length,
          'a commit takes one seq per record',
        );
        const isProgress = answers.length > 0 || isStuck || operations.length === 0;
        assert(isProgress, 'a batch answers at least one of its operations');
        staging.commit();
        table.reclaim(reclaimedMax);
        if (quota.putsRefused > 0) space.putsWereRefused();
        else if (putBytes > 0) space.putsWereWritten();
        return { answers, isStuck, syncSeconds: this.#syncSeconds };
      }
      staging.rollback();
      assert(room.mayResolve || putBytes > 0, 'a batch without writes needs no room');
      room = lessRoom(room, putBytes, fitted);
    }
  }

  /**
   * Runs the batch and writes its records. Undoes its changes if it throws.
   *
   * @returns as `write`
   */
  #tryToRun(
    run: BatchRun,
    operations: readonly ShardOperation[],
    timestamp: number,
  ): number | undefined {
    try {
      run.run(operations);
      return this.write(run.staging, timestamp, run.quota.putBytes === 0);
    } catch (error) {
      run.staging.rollback();
      throw error;
    }
  }

  /**
   * Makes records as durable as the mode asks. Makes nothing visible.
   *
   * @returns undefined if the records are written. If the disk has no room: the number of bytes
   *   that would have fitted. The journal is then as it was.
   * @throws system errors if the journal cannot be written or synced
   */
  write(
    { records, mustSync }: Pick<Staging, 'records' | 'mustSync'>,
    timestamp: number,
    maySpendReserve: boolean,
  ): number | undefined {
    if (records.length === 0) return undefined;
    assert(timestamp >= this.#lastTimestamp, 'journal lines are in the order of time');
    this.#lastTimestamp = timestamp;
    const { files, fsync } = this.#options;
    for (;;) {
      try {
        files.writer.append(records, timestamp);
        break;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const bytes = records.reduce((sum, { length }) => sum + length, 0);
        if (files.makeRoom(bytes, maySpendReserve)) continue;
        return (error as StoreError).limit ?? 0;
      }
    }
    if (mustSync || fsync === 'always') this.#sync();
    return undefined;
  }

  #sync(): void {
    const { clock, files } = this.#options;
    const from = clock.monotonicMs();
    files.writer.sync();
    this.#syncSeconds = (clock.monotonicMs() - from) / 1000;
  }
}
