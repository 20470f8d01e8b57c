// Carries out the operations of one batch against a staging: decides, changes nothing durable and
// touches no file.
import { unreachable } from '../base/assert.ts';
import { StoreError, type ErrorCode } from '../base/errors.ts';
import { replyBytesMax, shardEntriesMax, sweepStepMax } from '../base/limits.ts';
import type { BatchRequest, ShardAnswer, ShardOperation } from '../protocol/shard-operation.ts';
import { conditionsHold } from '../store/conditions.ts';
import type { DeleteOperation, PutOperation } from '../store/operation.ts';
import type { Entry } from './entry.ts';
import { entryHeapBytes, type EntryTable } from './entry-table.ts';
import { listPage } from './list-page.ts';
import { Staging } from './staging.ts';

const missing: ShardAnswer = { kind: 'missing' };
const deleted: ShardAnswer = { kind: 'deleted' };
const done: ShardAnswer = { kind: 'done' };

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

function sizeOf(answer: ShardAnswer): number {
  if (answer.kind === 'entry') return answer.withValue ? answer.value.length : 0;
  if (answer.kind !== 'page') return 0;
  return answer.items.reduce((sum, item) => sum + item.key.length + (item.value?.length ?? 0), 0);
}

/** The front end's clock may be behind the stamp: what it let through must still be a lawful date. */
function deadlineOf(now: number, ttlMs: number): number {
  return Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER);
}

export interface BatchRunOptions {
  /** The batch's stamp. */
  readonly now: number;
  /** The seq that the first change takes. */
  readonly firstSeq: number;
  /** Puts past so many bytes of records are refused: there is no room on disk for them. */
  readonly putBytesMax: number;
  /** False: not even for deletes. */
  readonly mayDelete: boolean;
  /** What the table may take of the heap, in bytes. */
  readonly heapBytesMax: number;
}

export class BatchRun {
  readonly staging: Staging;
  readonly answers: ShardAnswer[] = [];
  readonly #table: EntryTable;
  readonly #now: number;
  readonly #options: BatchRunOptions;
  #stagedBytes = 0;
  #putBytes = 0;
  #putsRefused = 0;

  constructor(table: EntryTable, options: BatchRunOptions) {
    this.#table = table;
    this.#now = options.now;
    this.#options = options;
    this.staging = new Staging(table, options.now, options.firstSeq);
  }

  /** Bytes of journal records that puts have come to. */
  get putBytes(): number {
    return this.#putBytes;
  }

  /** How many puts were refused for want of room on disk. */
  get putsRefused(): number {
    return this.#putsRefused;
  }

  /** Runs operations in order, as many as fit into one reply, and at least one. */
  run(operations: BatchRequest['operations']): void {
    let bytes = 0;
    for (const operation of operations) {
      const answer = this.#run(operation);
      this.answers.push(answer);
      bytes += sizeOf(answer);
      if (bytes >= replyBytesMax) return;
    }
  }

  #run(operation: ShardOperation): ShardAnswer {
    switch (operation.op) {
      case 'get':
        return this.#get(operation.namespace, operation.key, true);
      case 'head':
        return this.#get(operation.namespace, operation.key, false);
      case 'put':
        return this.#put(operation);
      case 'delete':
        return this.#delete(operation);
      case 'list':
        return listPage(this.#table, operation.query, this.#now);
      case 'count':
        return { kind: 'count', count: this.#count(operation.namespace) };
      case 'sweep':
        return this.#sweep();
      case 'mark':
        return done; // Left after the batch, see Shard.
      default:
        return unreachable(operation);
    }
  }

  #get(namespace: string, key: string, withValue: boolean): ShardAnswer {
    const entry = this.staging.get(namespace, key);
    if (entry === undefined) return missing;
    const { version, expiresAt, value } = entry;
    return { kind: 'entry', version, expiresAt, value, withValue };
  }

  #put(operation: PutOperation): ShardAnswer {
    const { namespace, key, value, ttlMs } = operation;
    const old = this.staging.get(namespace, key)?.version ?? 0;
    if (!conditionsHold(operation, old)) return { kind: 'condition-failed', version: old };
    if (!this.#fitsOnDisk(operation)) return diskFull;
    const full = this.#fullFor(operation, this.staging.get(namespace, key));
    if (full !== undefined) return full;
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
    const expiresAt = ttlMs === undefined ? undefined : deadlineOf(this.#now, ttlMs);
    const version = this.staging.put(namespace, key, bytes, expiresAt);
    this.#putBytes += this.staging.records.at(-1)?.length ?? 0;
    return { kind: 'written', created: old === 0, version };
  }

  #fitsOnDisk({ key, value }: PutOperation): boolean {
    if (this.#putBytes + key.length + value.length <= this.#options.putBytesMax) return true;
    this.#putsRefused += 1;
    return false;
  }

  /** Before the heap is exhausted: that would end the thread, and the next one could not recover. */
  #fullFor({ key, value }: PutOperation, old: Entry | undefined): ShardAnswer | undefined {
    const staged = this.staging.records.length;
    if (old === undefined && this.#table.entries + staged >= shardEntriesMax) return tooManyEntries;
    if (old !== undefined && value.length <= old.value.length) return undefined;
    const bytes = entryHeapBytes(key, value);
    if (this.#table.heapBytes + this.#stagedBytes + bytes > this.#options.heapBytesMax)
      return tooManyBytes;
    this.#stagedBytes += bytes;
    return undefined;
  }

  #delete(operation: DeleteOperation): ShardAnswer {
    const { namespace, key } = operation;
    const version = this.staging.get(namespace, key)?.version ?? 0;
    if (!conditionsHold(operation, version)) return { kind: 'condition-failed', version };
    if (version === 0) return missing;
    if (!this.#options.mayDelete) return diskFull;
    this.staging.delete(namespace, key);
    return deleted;
  }

  /** What is due is counted, not waited for: the sweep keeps it few. */
  #count(namespace: string): number {
    let count = this.#table.count(namespace);
    for (const entry of this.#table.dueBy(this.#now)) {
      if (entry.namespace === namespace) count -= 1;
    }
    return count;
  }

  #sweep(): ShardAnswer {
    if (!this.#options.mayDelete) return diskFull;
    let left = sweepStepMax;
    for (const { namespace, key } of this.#table.dueBy(this.#now)) {
      if (left-- === 0) break;
      // An operation before this one in the batch may have put the key anew.
      const stands = this.staging.get(namespace, key) !== undefined;
      if (!stands) this.staging.delete(namespace, key);
    }
    return done;
  }
}
