// Owns the tasks of worker threads: the name, input and output of each. A batch is one framed
// buffer each way (batch-frame.ts). Every rarer task is plain data. Knows no thread.
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { ShardLocation } from '../base/shard-location.ts';
import type { MemoryNews } from '../memory/memory-news.ts';
import { decodeError, encodeError } from './error-data.ts';
import type { Parcel } from './parcel.ts';
import type { InDoubtTransaction, ShardReport } from './shard-operation.ts';

export interface OpenTask extends ShardLocation {
  readonly fsync: FsyncMode;
}

/** The torn tail of a journal, which a start cuts off. */
export interface TornTail {
  readonly generation: number;
  /** Length of the valid part of the journal, in bytes. */
  readonly bytes: number;
  readonly reason: string;
  /** Number of bytes behind the valid part. */
  readonly cutBytes: number;
}

/** The result of a shard's recovery. */
export interface OpenedReport {
  readonly entries: number;
  /** The highest timestamp on disk: time must start no lower. */
  readonly at: number;
  /** The torn tails that a start will cut off. */
  readonly torn: readonly TornTail[];
  /** Transactions that are prepared and have no outcome here. */
  readonly inDoubt: readonly InDoubtTransaction[];
}

export interface StartTask {
  readonly timestamp: number;
  /** Outcomes of transactions in doubt: by id, true if committed. */
  readonly outcomes: ReadonlyMap<string, boolean>;
  /** Transactions in flight: the shard has to keep its records of them. */
  readonly inFlight: ReadonlySet<string>;
}

/** The sealed files of a shard, for a thread that reads them. */
export interface SealedShard extends ShardLocation {
  readonly input: Parcel;
}

/**
 * A task gives its value, or fails in an expected way. If a task throws, the main thread gives the
 * thread up.
 */
export type TaskAnswer<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string };

/** The answer to a batch. */
export interface BatchAnswer {
  /** See reply-frame.ts. In a buffer of its own. */
  readonly frame: Uint8Array<ArrayBuffer>;
  /** Of the shard's memory; undefined if there are none. */
  readonly news: MemoryNews | undefined;
}

/** Name of a shard task -> [input, output]. */
export interface ShardTasks {
  /** Reads and verifies all live files; changes nothing. */
  open: [OpenTask, TaskAnswer<OpenedReport>];
  /** The outcomes that the shard has recorded of these transactions: true if committed. */
  outcomesOf: [readonly string[], TaskAnswer<ReadonlyMap<string, boolean>>];
  /** Makes the opened state durable, as it is. */
  secure: [undefined, TaskAnswer<undefined>];
  /** Brings the files into order and serves from here on. */
  start: [StartTask, TaskAnswer<ShardReport>];
  batch: [Uint8Array<ArrayBuffer>, BatchAnswer];
  sync: [undefined, TaskAnswer<ShardReport>];
  /** Seals the input of a compaction. Input: the timestamp. */
  beginCompaction: [number, TaskAnswer<Parcel | undefined>];
  /** Makes the snapshot of a compaction the live one. */
  installSnapshot: [Parcel, TaskAnswer<ShardReport>];
  /** The compaction in progress has failed. */
  abortCompaction: [undefined, TaskAnswer<ShardReport>];
  /** Seals all the shard's data, for a reader of the files. Input: the timestamp. */
  cut: [number, TaskAnswer<Parcel>];
  /** Continues after a failed sync. Input: the timestamp. */
  mend: [number, TaskAnswer<ShardReport>];
  /** Leaves a durable mark; no task comes after this one. Input: the timestamp. */
  stop: [number, TaskAnswer<undefined>];
}

export interface BeginBackupTask {
  /** One part for each shard: the files that the cut has sealed. */
  readonly parts: readonly SealedShard[];
  /** The timestamp of the cut, Unix milliseconds. */
  readonly at: number;
  /** The machine's clock, Unix milliseconds. */
  readonly createdAt: number;
  /** The only namespace to back up; undefined: all of them. */
  readonly namespace?: string | undefined;
}

/** One thread takes one backup, and ends with it. */
export interface BackupTasks {
  /** Opens all files of the cut: after the answer a compaction may remove them. */
  begin: [BeginBackupTask, TaskAnswer<undefined>];
  /** The next piece; undefined behind the last one. */
  next: [undefined, TaskAnswer<Uint8Array<ArrayBuffer> | undefined>];
}

export interface CompactorTasks {
  compact: [SealedShard, TaskAnswer<Parcel>];
}

/** Runs the work of a task and turns expected failures into data. */
export function answerTask<Value>(work: () => Value): TaskAnswer<Value> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return failedTask(error);
  }
}

/** As `answerTask`, for work that runs in parallel to other tasks. */
export async function answerTaskSoon<Value>(
  work: () => Promise<Value>,
): Promise<TaskAnswer<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return failedTask(error);
  }
}

function failedTask(error: unknown): TaskAnswer<never> {
  if (error instanceof StoreError) return { ok: false, error: encodeError(error) };
  if (error instanceof Error && systemErrorCode(error) !== undefined) {
    const inaccessible = new StoreError('STORE_INACCESSIBLE', error.message);
    return { ok: false, error: encodeError(inaccessible) };
  }
  throw error;
}

/** @throws StoreError if the task failed */
export function valueOfTask<Value>(answer: TaskAnswer<Value>): Value {
  if (answer.ok) return answer.value;
  throw decodeError(answer.error);
}
