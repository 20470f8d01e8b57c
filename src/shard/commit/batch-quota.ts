// Owns what one batch may still write: disk space for puts and deletes, memory, and the number of
// entries. Says why a write does not fit. Stages nothing and knows no file.
import { StoreError, type ErrorCode } from '../../base/errors.ts';
import { shardEntriesMax, writtenBytesMax } from '../../base/limits.ts';
import type { ShardAnswer } from '../../protocol/shard-operation.ts';
import type { ExpiresAt } from '../../store/result.ts';
import type { EntryHead } from '../table/entry.ts';
import type { EntryTable } from '../table/entry-table.ts';
import { entryTableBytes, namespaceTableBytes } from '../table/table-bytes.ts';
import { workBytesOf, type MemoryLimits } from '../table/memory-limits.ts';
import type { PreparedTransactions } from './prepared-transactions.ts';
import type { Staging } from './staging.ts';

function refused(code: ErrorCode, detail: string): ShardAnswer {
  return {
    kind: 'refused',
    error: new StoreError(code, detail, { retryable: true, retryAfterMs: 5000 }),
  };
}

const diskFull = refused('DISK_FULL', 'There is no room on disk for this write.');
const tooManyEntries = refused(
  'SHARD_FULL',
  `The shard of this key holds ${shardEntriesMax} entries, as many as it can.`,
);
const tooManyBytes = refused(
  'SHARD_FULL',
  'The shard of this key holds as much as its memory allows (setting shardHeapMiB): nothing can be ' +
    'put before something is deleted.',
);
/** The write does not fit into this batch, but perhaps into a batch of its own. */
export const tooLittleToWork = refused(
  'SHARD_FULL',
  'The shard of this key has too little memory left to write as much at once (setting ' +
    'shardHeapMiB): put less at a time, or delete something.',
);

/** An entry to put, with only the members that determine its size. */
export interface SizedEntry {
  readonly namespace: string;
  readonly key: string;
  readonly value: { readonly length: number };
  readonly expiresAt: ExpiresAt;
}

export interface BatchLimits {
  /** The disk has room for so many bytes of put records in this batch. */
  readonly putBytesMax: number;
  /** False if the disk has no room even for deletes. */
  readonly mayDelete: boolean;
  readonly memory: MemoryLimits;
  /** Memory kept for anything but entries and prepared changes, in bytes. */
  readonly otherBytes: number;
}

/** The batch's sums, as they will be with the puts of one more operation. */
interface Sums {
  diskBytes: number;
  /** Bytes that the puts add to the memory. */
  addedBytes: number;
  writtenBytes: number;
  /** Number of entries that there may be, at most. */
  entries: number;
  /** True if a put takes more memory than the entry that it replaces. */
  grows: boolean;
}

function isNoLarger({ value, expiresAt }: SizedEntry, old: EntryHead): boolean {
  const hasNewDeadline = expiresAt !== undefined && old.expiresAt === undefined;
  return value.length <= old.size && !hasNewDeadline;
}

export class BatchQuota {
  readonly #table: EntryTable;
  readonly #transactions: PreparedTransactions;
  readonly #staging: Staging;
  readonly #limits: BatchLimits;
  /** Bytes that the puts which were judged last add to the memory. */
  #judgedBytes = 0;
  /** Bytes that the puts which this batch prepares add to the memory. The others are in the table. */
  #preparedBytes = 0;
  /** Bytes of keys and values of the batch's puts, summed. */
  #writtenBytes = 0;
  #putBytes = 0;
  #putsRefused = 0;
  /** Number of puts that this batch prepares. */
  #preparedPuts = 0;

  /** @param staging the changes of the batch so far */
  constructor(
    table: EntryTable,
    transactions: PreparedTransactions,
    staging: Staging,
    limits: BatchLimits,
  ) {
    this.#table = table;
    this.#transactions = transactions;
    this.#staging = staging;
    this.#limits = limits;
  }

  /** Bytes of the puts' journal records. */
  get putBytes(): number {
    return this.#putBytes;
  }

  /** Number of puts that the quota refused because the disk had no room. */
  get putsRefused(): number {
    return this.#putsRefused;
  }

  /** True once the batch has written as much as one journal line may hold. */
  get isSpent(): boolean {
    return this.#writtenBytes >= writtenBytesMax;
  }

  /** @returns why the batch may not delete; undefined if it may */
  refusalOfDelete(): ShardAnswer | undefined {
    return this.#limits.mayDelete ? undefined : diskFull;
  }

  /**
   * Counts the memory of a put if it fits.
   *
   * @param old the entry that it replaces
   * @returns why the put does not fit; undefined if it does
   */
  refusalOfPut(put: SizedEntry, old: EntryHead | undefined): ShardAnswer | undefined {
    const sums = this.#sumsSoFar();
    return this.#addPut(sums, put, old) ?? this.#take(sums);
  }

  /**
   * Counts the memory of the puts if they all fit.
   *
   * @returns why the puts do not all fit; undefined if they do
   */
  refusalOfPuts(puts: readonly SizedEntry[]): ShardAnswer | undefined {
    const sums = this.#sumsSoFar();
    for (const put of puts) {
      const old = this.#staging.head(put.namespace, put.key);
      const refusal = this.#addPut(sums, put, old);
      if (refusal !== undefined) return refusal;
    }
    return this.#take(sums);
  }

  /** Counts the record of a newly staged put. */
  countPut(): void {
    this.#putBytes += this.#staging.records.at(-1)?.length ?? 0;
  }

  /** Counts the record of a newly staged prepare. */
  countPrepare(puts: number): void {
    this.#preparedPuts += puts;
    this.#preparedBytes += this.#judgedBytes;
    if (puts > 0) this.countPut();
  }

  #sumsSoFar(): Sums {
    return {
      diskBytes: this.#putBytes,
      addedBytes: 0,
      writtenBytes: this.#writtenBytes,
      entries: this.#table.entries + this.#transactions.puts + this.#preparedPuts,
      grows: false,
    };
  }

  #addPut(sums: Sums, put: SizedEntry, old: EntryHead | undefined): ShardAnswer | undefined {
    const { namespace, key, value } = put;
    sums.diskBytes += key.length + value.length;
    sums.writtenBytes += key.length + value.length;
    if (sums.diskBytes > this.#limits.putBytesMax) {
      this.#putsRefused += 1;
      return diskFull;
    }
    if (old === undefined && sums.entries++ >= shardEntriesMax) return tooManyEntries;
    if (old !== undefined && isNoLarger(put, old)) return undefined;
    sums.grows = true;
    sums.addedBytes += entryTableBytes(key.length, value.length, put.expiresAt);
    if (!this.#table.has(namespace)) sums.addedBytes += namespaceTableBytes(namespace);
    const hasRoom = this.#hasRoom(sums.addedBytes, this.#limits.memory.keptBytesMax);
    return hasRoom ? undefined : tooManyBytes;
  }

  /** Makes these the batch's sums, if there is memory to work on them. */
  #take({ addedBytes, writtenBytes, grows }: Sums): ShardAnswer | undefined {
    const largest = Math.max(this.#table.largestBytes, this.#transactions.largestBytes);
    // A start reads the largest values back, in any order, so the shard keeps memory free for that.
    // Puts that only replace values may use this memory.
    if (grows || writtenBytes > largest) {
      const workBytes = workBytesOf(Math.max(writtenBytes, largest));
      const { workBytesMax } = this.#limits.memory;
      if (!this.#hasRoom(addedBytes + workBytes, workBytesMax)) return tooLittleToWork;
    }
    this.#judgedBytes = addedBytes;
    this.#writtenBytes = writtenBytes;
    return undefined;
  }

  /** True if so many bytes more are within the limit, once flushed entries take no memory. */
  #hasRoom(bytes: number, bytesMax: number): boolean {
    if (this.#keptBytes + bytes <= bytesMax) return true;
    if (!this.#table.hasFlushed) return false;
    this.#table.reclaim(Infinity);
    return this.#keptBytes + bytes <= bytesMax;
  }

  get #keptBytes(): number {
    const others = this.#transactions.heapBytes + this.#preparedBytes + this.#limits.otherBytes;
    return this.#table.memoryBytes + others;
  }
}
