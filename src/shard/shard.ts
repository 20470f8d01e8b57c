// One shard: a synchronous, deterministic state machine over its table and its files. Time comes
// with each batch. Knows no thread.
//
// The shard runs a batch against a staging, writes one journal line, and syncs it (in `always`).
// Only then does it make the changes visible, and answer.
import { assert } from '../base/assert.ts';
import { StoreError, systemErrorCode, type Outcome } from '../base/errors.ts';
import {
  isEntryWrite,
  type BatchReply,
  type BatchRequest,
  type InDoubtTransaction,
  type ShardAnswer,
  type ShardOperation,
  type ShardReport,
} from '../protocol/shard-operation.ts';
import type { Clock } from '../base/clock.ts';
import type { SnapshotReference } from '../storage/current.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { StartTask } from '../protocol/shard-task.ts';
import { isDiskFull } from '../storage/disk-full.ts';
import type { BackupSource } from './streams/backup-stream.ts';
import { BatchRun } from './commit/batch-run.ts';
import { DiskSpace, reserveBytesFor } from './files/disk-space.ts';
import type { EntryTable } from './table/entry-table.ts';
import { unlimitedMemory, type MemoryLimits } from './table/memory-limits.ts';
import {
  outcomesHeapBytes,
  preparedOfRecord,
  PreparedTransactions,
} from './commit/prepared-transactions.ts';
import type { RecordReplay } from './recovery/record-replay.ts';
import {
  recoverShard,
  type Recovered,
  type ShardPlace,
  type TornTail,
} from './recovery/recovery.ts';
import type { CompactionInput, ShardFiles } from './files/shard-files.ts';
import { Staging } from './commit/staging.ts';
import { secureFiles, startFiles } from './files/start-files.ts';

export interface ShardOptions extends ShardPlace {
  readonly fsync: FsyncMode;
  /** Undefined: as much as it takes. */
  readonly memory?: MemoryLimits;
  /** The least that is kept in reserve for deletes on a full disk, in bytes. */
  readonly reserveBytesMin?: number;
  /** For durations only. */
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** What opening a shard found. */
export interface ShardOpened {
  readonly entries: number;
  /** The highest timestamp on disk: time must start no lower. */
  readonly at: number;
  /** What starting will cut off. */
  readonly torn: readonly TornTail[];
  /** Transactions that are prepared and have no outcome here. */
  readonly inDoubt: readonly InDoubtTransaction[];
}

export class Shard {
  readonly #options: ShardOptions;
  readonly #table: EntryTable;
  readonly #transactions = new PreparedTransactions();
  readonly #memory: MemoryLimits;
  /** Outcomes in live journals are these, and those that were counted since the start. */
  #oldOutcomes = 0;
  /** Of them, those that the compaction in progress folds away. */
  #outcomesAtCompaction = 0;
  #recovered: Recovered | undefined;
  #openFiles: ShardFiles | undefined;
  #openRoom: DiskSpace | undefined;
  #syncSeconds = NaN;
  /** The seq up to which a mark says that all is durable. */
  #markedSeq = 0;
  /** There was no room to record an outcome. */
  #isStuck = false;

  /**
   * Reads and proves all live files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED or STORE_MISMATCH; system errors
   */
  constructor(options: ShardOptions) {
    this.#options = options;
    this.#memory = options.memory ?? unlimitedMemory;
    this.#recovered = recoverShard(options, this.#memory);
    this.#table = this.#recovered.table;
  }

  get opened(): ShardOpened {
    assert(this.#recovered !== undefined, 'a shard is asked what it found before it is started');
    const { at, torn, traces } = this.#recovered;
    const inDoubt = [...traces.prepared.values()].map(({ transaction, participants }) => ({
      transaction,
      participants,
    }));
    return { entries: this.#table.entries, at, torn, inDoubt };
  }

  /** Of these transactions, the outcomes that the files record: whether they are committed. */
  outcomesOf(transactions: readonly string[]): ReadonlyMap<string, boolean> {
    assert(this.#recovered !== undefined, 'a shard is asked what it found before it is started');
    const { outcomes } = this.#recovered.traces;
    return new Map([...outcomes].filter(([transaction]) => transactions.includes(transaction)));
  }

  /**
   * Makes durable, as it is, what opening the shard found: another shard is about to record an outcome
   * that counts on it.
   */
  secure(): void {
    assert(this.#recovered !== undefined, 'a shard is secured before it is started');
    secureFiles(this.#options, this.#recovered);
  }

  /** Brings the files into order; the shard serves from here on. */
  start({ timestamp, outcomes, inFlight }: StartTask): ShardReport {
    assert(this.#recovered !== undefined, 'a shard is started once');
    const { traces } = this.#recovered;
    const { fsync, clock, reserveBytesMin } = this.#options;
    const reserveBytes = reserveBytesFor(this.#table, reserveBytesMin);
    const files = startFiles(this.#options, this.#recovered, {
      fsync,
      at: timestamp,
      reserveBytes,
    });
    this.#openFiles = files;
    this.#openRoom = new DiskSpace(files, this.#table, {
      reserveBytesMin,
      monotonicMs: () => clock.monotonicMs(),
    });
    this.#recovered = undefined;
    this.#oldOutcomes = traces.outcomes.size;
    this.#takeOver(traces, outcomes, inFlight, timestamp);
    this.#markedSeq = this.#files.writer.nextSeq;
    return this.report();
  }

  apply({ timestamp, operations }: BatchRequest): BatchReply<ShardAnswer> {
    this.#syncSeconds = NaN;
    this.#isStuck = false;
    if (this.#files.writer.isBroken) return this.#refuseAll(operations, 'not-applied');
    try {
      const results = this.#applyAsFits(operations, timestamp);
      // What was carried out stands, whether or not its mark finds room.
      if (operations.some(({ op }) => op === 'mark')) this.#markIfPossible(timestamp);
      return { report: this.report(), results };
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return this.#refuseAll(operations, this.#files.writer.isBroken ? 'unknown' : 'not-applied');
    }
  }

  /** Undefined where there is nothing to compact. */
  beginCompaction(timestamp: number): CompactionInput | undefined {
    const room = this.#room;
    const roomBytes = room.isFull ? room.compactionBytes : undefined;
    const input = this.#files.beginCompaction(timestamp, roomBytes, this.#transactions.records());
    if (input === undefined) return undefined;
    room.compactionBegan();
    const { recorded, remembered } = this.#transactions;
    this.#outcomesAtCompaction = this.#oldOutcomes + recorded - remembered;
    return input;
  }

  /** The compaction that was begun has come to nothing. */
  abortCompaction(): ShardReport {
    this.#syncSeconds = NaN;
    this.#room.compactionEnded();
    return this.report();
  }

  /**
   * Everything up to this moment, in files that nobody writes any more.
   *
   * @throws StoreError SHARD_UNAVAILABLE where its journal is broken; system errors
   */
  cut(timestamp: number): BackupSource {
    if (this.#files.writer.isBroken) throw journalIsBroken('not-applied');
    return { ...this.#files.cut(timestamp), seq: this.#files.writer.nextSeq };
  }

  installSnapshot(snapshot: SnapshotReference): ShardReport {
    this.#syncSeconds = NaN;
    this.#files.installSnapshot(snapshot, !this.#room.isFull);
    this.#oldOutcomes -= this.#outcomesAtCompaction;
    this.#outcomesAtCompaction = 0;
    this.#room.compactionEnded();
    return this.report();
  }

  /** Syncs beside the batches; for `interval`. */
  async syncSoon(): Promise<ShardReport> {
    const from = this.#options.clock.monotonicMs();
    await this.#files.writer.syncSoon();
    this.#syncSeconds = (this.#options.clock.monotonicMs() - from) / 1000;
    return this.report();
  }

  /**
   * After a failed sync: goes on with files that can be trusted.
   *
   * @throws system errors while the disk does not work; it may be tried again
   */
  mend(timestamp: number): ShardReport {
    if (this.#files.writer.isBroken) {
      this.#files.mend(this.#table, this.#transactions.records(), timestamp);
    }
    this.#isStuck = false;
    // One that came to nothing meanwhile could not be reported: the shard did not serve.
    this.#room.compactionEnded();
    return this.report();
  }

  /** Leaves a durable mark; the shard is done. */
  stop(timestamp: number): void {
    if (this.#files.writer.isBroken && !this.#couldMend(timestamp)) return;
    const { writer } = this.#files;
    try {
      this.#files.stop(timestamp);
    } catch (error) {
      // All is synced before the mark is tried; without room for it the next start does without.
      if (systemErrorCode(error) === undefined || writer.isBroken) throw error;
    }
  }

  /** @throws system errors where what was acknowledged may be lost */
  #couldMend(timestamp: number): boolean {
    try {
      this.mend(timestamp);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === undefined || this.#options.fsync !== 'always') throw error;
      return false;
    }
  }

  report(): ShardReport {
    const { writer, journalBytes, liveJournals, snapshotBytes } = this.#files;
    return {
      durability: this.#options.fsync === 'always' ? 'synced' : 'written',
      nextSeq: writer.nextSeq,
      entries: this.#table.entries,
      bytes: this.#table.bytes,
      heapBytes: this.#table.heapBytes + this.#transactions.heapBytes + this.#outcomesHeapBytes,
      heapBytesMax: this.#memory.keptBytesMax,
      journalBytes,
      liveJournals,
      snapshotBytes,
      nextExpiryAt: this.#table.nextExpiryAt,
      syncSeconds: this.#syncSeconds,
      hasUnsynced: writer.syncedBytes < writer.writtenBytes,
      hasUnmarked: writer.nextSeq > this.#markedSeq,
      isBroken: writer.isBroken || this.#isStuck,
      isDiskFull: this.#room.isFull,
      wantsCompaction: this.#room.wantsCompaction,
    };
  }

  /** A start holds all outcomes of live journals. */
  get #outcomesHeapBytes(): number {
    return outcomesHeapBytes(this.#oldOutcomes + this.#transactions.recorded);
  }

  get #room(): DiskSpace {
    assert(this.#openRoom !== undefined, 'a shard is started before it serves');
    return this.#openRoom;
  }

  get #files(): ShardFiles {
    assert(this.#openFiles !== undefined, 'a shard is started before it serves');
    return this.#openFiles;
  }

  /**
   * On a full disk, what can go on goes on: reads always, puts while they fit, deletes on the
   * reserve. What was tried and did not fit is run again with less.
   */
  #applyAsFits(operations: readonly ShardOperation[], timestamp: number): readonly ShardAnswer[] {
    let putBytesMax = this.#room.mayPut() ? Infinity : 0;
    for (let mayDelete = true, mayResolve = true; ;) {
      const run = new BatchRun(this.#table, this.#transactions, {
        now: timestamp,
        firstSeq: this.#files.writer.nextSeq,
        putBytesMax,
        mayDelete,
        mayResolve,
        memory: this.#memory,
        otherHeapBytes: this.#outcomesHeapBytes,
      });
      run.run(operations);
      const { staging, putBytes } = run;
      const fitted = this.#write(staging, timestamp, putBytes === 0);
      if (fitted === undefined) {
        staging.commit();
        this.#noteRoom(run);
        this.#isStuck = run.isStuck;
        return run.answers;
      }
      assert(mayResolve || putBytes > 0, 'a batch without writes needs no room');
      if (putBytes === 0) {
        mayResolve = mayDelete;
        mayDelete = false;
      }
      // Once more with what would have fitted; a second failure says that this can not be relied on.
      putBytesMax = putBytesMax === Infinity && putBytes > 0 ? fitted : 0;
    }
  }

  /** Records outcomes, durably, and makes committed changes visible; what is in flight stays in doubt. */
  #takeOver(
    { prepared, outcomes }: RecordReplay,
    resolved: ReadonlyMap<string, boolean>,
    inFlight: ReadonlySet<string>,
    timestamp: number,
  ): void {
    const { nextSeq: firstSeq } = this.#files.writer;
    const staging = new Staging(this.#table, this.#transactions, timestamp, firstSeq);
    for (const [transaction, record] of prepared) {
      const known = preparedOfRecord(record);
      const committed = resolved.get(transaction);
      assert(committed !== undefined || inFlight.has(transaction), 'no transaction stays in doubt');
      if (committed === undefined) this.#transactions.add(known);
      else staging.resolve(known, committed);
    }
    const missing = this.#write(staging, timestamp, true);
    if (missing !== undefined)
      throw new StoreError('DISK_FULL', 'no room on disk to record an outcome');
    staging.commit();
    for (const transaction of resolved.keys()) this.#transactions.forget(transaction);
    for (const [transaction, committed] of outcomes) {
      if (inFlight.has(transaction)) this.#transactions.resolve(transaction, committed);
    }
  }

  #noteRoom({ putsRefused, putBytes }: BatchRun): void {
    if (putsRefused > 0) this.#room.putsWereRefused();
    else if (putBytes > 0) this.#room.putsWereWritten();
  }

  /** Where there is no room: how many bytes would have fitted; the journal is then as it was. */
  #write(
    { records, mustSync }: Pick<Staging, 'records' | 'mustSync'>,
    timestamp: number,
    maySpendReserve: boolean,
  ): number | undefined {
    if (records.length === 0) return undefined;
    const { writer } = this.#files;
    for (;;) {
      try {
        writer.append(records, timestamp);
        break;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const bytes = records.reduce((sum, { length }) => sum + length, 0);
        if (this.#files.makeRoom(bytes, maySpendReserve)) continue;
        return (error as StoreError).limit ?? 0;
      }
    }
    if (mustSync || this.#options.fsync === 'always') this.#sync();
    return undefined;
  }

  #sync(): void {
    const { clock } = this.#options;
    const from = clock.monotonicMs();
    this.#files.writer.sync();
    this.#syncSeconds = (clock.monotonicMs() - from) / 1000;
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
  return new StoreError('SHARD_UNAVAILABLE', detail, {
    outcome,
    retryable: true,
    retryAfterMs: 1000,
  });
}
