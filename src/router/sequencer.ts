// The one place that puts operations into the shards' queues. Reads an entry past them if no operation
// under way may change it: such a read takes effect at once. Operations that are queued in one
// synchronous turn share one moment over all shards. Each shard sees these operations at the same place
// in its order. Knows no lock and no thread.
import type { TimestampClock } from '../base/clock.ts';
import { overloaded } from '../base/overloaded.ts';
import type {
  CutOperation,
  ShardChanges,
  ShardOperation,
  ShardResult,
} from '../protocol/shard-operation.ts';
import type { SharedEntries } from '../memory/shared-entries.ts';
import type { Authorization } from '../store/authorization.ts';
import {
  isWrite,
  namesOf,
  type CommandOperation,
  type EntryName,
  type Operation,
} from '../store/operation.ts';
import type { EntryResult, ReplyResult, Result } from '../store/result.ts';
import { shardOfSlot, slotCount, slotOfKey } from '../store/slot.ts';
import { KeyWatches } from './key-watches.ts';
import { QueuedOperation } from './shard/queued-operation.ts';
import type { ReplyCollector } from './reply-collector.ts';

export type AnyOperation = Operation | CommandOperation;

/** Called once with the answer, in the order of the shard's answers. Must not throw. */
export type Complete = (result: ShardResult) => void;

/** One shard as the sequencer sees it. */
export interface ShardQueue {
  /** The shard's number. */
  readonly shard: number;
  /** Higher than the seq of every change up to the shard's last answer. */
  readonly nextSeq: number;
  /** The first deadline of any entry as of the shard's last answer; Infinity if none expires. */
  readonly nextExpiryAt: number;
  /** The entries in the shard's memory; undefined if only its queue may be asked. */
  readonly entries: Pick<SharedEntries, 'get' | 'head' | 'getText'> | undefined;
  /** The position of the operation that was queued last; 0 if none was. */
  readonly lastPosition: number;
  /** The position of the first operation that has no answer yet; Infinity if all have one. */
  readonly openPosition: number;
  /** True if the queue takes so many more operations, of so many bytes. */
  hasRoom(operations: number, bytes: number): boolean;
  /** Queues the operation, or completes it at once with the error that refuses it. */
  enqueue(queued: QueuedOperation): void;
}

/** The changes of one transaction in one shard. */
export interface ChangesOfShard extends Omit<ShardChanges, 'validUntil'> {
  readonly queue: ShardQueue;
}

/** An outcome on its way to one participant. */
export interface OutcomeDelivery {
  /** Never rejects. `refused` only if the shard has ended before it recorded the outcome. */
  readonly answer: Promise<ShardResult>;
  /**
   * True once the shard has recorded the outcome. False as soon as the shard has to recover first,
   * which may take long.
   */
  readonly isRecordedSoon: Promise<boolean>;
}

/** Narrows a shard's answer to a Result; any other kind is a bug. */
export function resultOf(answer: ShardResult): Result {
  const result = resultOrReplyOf(answer);
  if (result.kind === 'reply') throw new Error('an operation was answered by a reply');
  return result;
}

/** Like `resultOf`, for an operation that may be a command. */
export function resultOrReplyOf(answer: ShardResult): Result | ReplyResult {
  const { kind } = answer;
  if (
    kind === 'page' ||
    kind === 'count' ||
    kind === 'figures' ||
    kind === 'done' ||
    kind === 'stale' ||
    kind === 'cut'
  ) {
    throw new Error(`an operation was answered by a ${kind}`);
  }
  return answer;
}

export class Sequencer {
  /** The shards' queues, by shard number. */
  readonly queues: readonly ShardQueue[];
  /** Hear of each operation that may change an entry, once it has its place. */
  readonly watches = new KeyWatches((read) => this.ask(this.queueOf(read.key), read));
  readonly #clock: TimestampClock;
  readonly #readsDirectly: boolean;
  /**
   * By slot: the position of the last write in the queue of its shard. Keys of one slot share it, so
   * a write of one may send a read of another through the queue, and nothing worse.
   */
  readonly #lastWrites = new Float64Array(slotCount);
  /** By shard: the position of the last flush of any namespace. */
  readonly #lastFlushes: Float64Array;
  #direct = 0;
  #queued = 0;

  /** @param readsDirectly false: every read goes through the queue of its shard */
  constructor(queues: readonly ShardQueue[], clock: TimestampClock, readsDirectly = true) {
    this.queues = queues;
    this.#clock = clock;
    this.#readsDirectly = readsDirectly;
    this.#lastFlushes = new Float64Array(queues.length);
  }

  /** Numbers of reads of single entries, by their way. */
  get reads(): { direct: number; queued: number } {
    return { direct: this.#direct, queued: this.#queued };
  }

  queueOf(key: string): ShardQueue {
    return this.#queueOfSlot(slotOfKey(key));
  }

  /**
   * Reads the entry in its shard's memory, if the operation is a read and no write of it is under way.
   *
   * @param now the present timestamp
   * @returns undefined if only the shard's queue can tell
   */
  read(operation: AnyOperation, now: number): Result | undefined {
    const { op, namespace, key } = operation;
    if (op !== 'get' && op !== 'head') return undefined;
    const result = this.#entriesFor(key)?.[op](namespace, key, now);
    return this.#counted(result);
  }

  /** Like `read`, but gives the value of a `get` as the reply of a command. */
  readReply(operation: AnyOperation, now: number): Result | ReplyResult | undefined {
    if (operation.op !== 'get') return this.read(operation, now);
    const { namespace, key } = operation;
    const value = this.#counted(this.#entriesFor(key)?.getText(namespace, key, now));
    return value === undefined ? undefined : { kind: 'reply', reply: { kind: 'bulk', value } };
  }

  /**
   * The entry that stands there until an operation that is queued in this turn is carried out, without
   * its value; undefined if only the shard's queue can tell. One with a deadline may be gone by then.
   */
  standing({ namespace, key }: EntryName): EntryResult | undefined {
    const head = this.#entriesFor(key)?.head(namespace, key, this.#clock.timestamp());
    return head?.kind === 'entry' && head.expiresAt === undefined ? head : undefined;
  }

  /** Queues an operation behind all earlier operations of its shard. */
  enqueue(operation: AnyOperation, complete: Complete): void {
    const slot = slotOfKey(operation.key);
    const queue = this.#queueOfSlot(slot);
    queue.enqueue(new QueuedOperation(operation, complete));
    if (!isWrite(operation)) return;
    if (operation.op !== 'command') this.#lastWrites[slot] = queue.lastPosition;
    else for (const key of operation.keys) this.#noteWrite(queue, key);
    if (!this.watches.areIdle) for (const name of namesOf(operation)) this.watches.touch(name);
  }

  /**
   * Reads these entries directly if it can, or queues the reads. An entry that has expired by the
   * present timestamp is missing. Refuses each entry that the authorization does not let be read.
   */
  readAt(
    names: readonly EntryName[],
    collector: ReplyCollector<Result>,
    directly: boolean,
    authorization?: Authorization,
  ): void {
    const now = this.#clock.timestamp();
    for (const [index, { namespace, key }] of names.entries()) {
      const error = authorization?.refusalOfRead({ namespace, key });
      if (error !== undefined) {
        collector.complete(index, { kind: 'refused', error });
        continue;
      }
      const complete: Complete = (answer) => collector.complete(index, resultOf(answer));
      const read = directly ? this.read({ op: 'get', namespace, key }, now) : undefined;
      if (read !== undefined) complete(read);
      else
        this.queueOf(key).enqueue(
          new QueuedOperation({ op: 'getAt', namespace, key, now }, complete),
        );
    }
  }

  /**
   * Queues an operation that changes no entry for a caller, or whose changes the caller notes.
   */
  ask(queue: ShardQueue, operation: ShardOperation | CutOperation): Promise<ShardResult> {
    return new Promise((resolve) => queue.enqueue(new QueuedOperation(operation, resolve)));
  }

  /**
   * Asks all shards at one moment. Asks none if one has no room.
   *
   * @throws StoreError OVERLOADED; or the error of a shard that does not serve
   */
  async askAll(operation: ShardOperation | CutOperation): Promise<ShardResult[]> {
    if (!this.queues.every((queue) => queue.hasRoom(1, 0))) throw overloaded();
    const answers = await Promise.all(this.queues.map((queue) => this.ask(queue, operation)));
    for (const answer of answers) if (answer.kind === 'refused') throw answer.error;
    return answers;
  }

  /** Queues the changes of a transaction in one shard. */
  change(
    { queue, ...changes }: ChangesOfShard,
    validUntil: number,
    synced = false,
  ): Promise<ShardResult> {
    const answer = this.ask(queue, { op: 'change', ...changes, validUntil, synced });
    this.#noteChanges({ queue, ...changes });
    return answer;
  }

  /**
   * Queues the outcome at all participants in this same turn. Every later reader therefore sees all of
   * the transaction.
   */
  commit(transaction: string, participants: readonly ChangesOfShard[]): readonly OutcomeDelivery[] {
    const outcomes = participants.map(({ queue }) => deliver(queue, { op: 'commit', transaction }));
    for (const changes of participants) this.#noteChanges(changes);
    return outcomes;
  }

  abort(transaction: string, participants: readonly ShardQueue[]): readonly OutcomeDelivery[] {
    return participants.map((queue) => deliver(queue, { op: 'abort', transaction }));
  }

  #queueOfSlot(slot: number): ShardQueue {
    const queue = this.queues[shardOfSlot(slot, this.queues.length)];
    if (queue === undefined) throw new Error('every slot has a shard');
    return queue;
  }

  /** The entries of the key's shard, if no operation under way may change that of the key. */
  #entriesFor(key: string): ShardQueue['entries'] {
    if (!this.#readsDirectly) return undefined;
    const slot = slotOfKey(key);
    const queue = this.#queueOfSlot(slot);
    const { openPosition } = queue;
    const lastWrite = this.#lastWrites[slot] ?? 0;
    const lastFlush = this.#lastFlushes[queue.shard] ?? 0;
    return lastWrite < openPosition && lastFlush < openPosition ? queue.entries : undefined;
  }

  #counted<Read>(read: Read | undefined): Read | undefined {
    if (read === undefined) this.#queued += 1;
    else this.#direct += 1;
    return read;
  }

  /** Notes that the operation that was queued last changes the entry. */
  #noteWrite(queue: ShardQueue, key: string): void {
    this.#lastWrites[slotOfKey(key)] = queue.lastPosition;
  }

  #noteChanges({ queue, flush = [], changes }: ChangesOfShard): void {
    if (flush.length > 0) this.#lastFlushes[queue.shard] = queue.lastPosition;
    for (const { key } of changes) this.#noteWrite(queue, key);
    if (this.watches.areIdle) return;
    this.watches.touchAll(flush, (key) => this.queueOf(key) === queue);
    for (const change of changes) this.watches.touch(change);
  }
}

function doNothing(): void {}

function deliver(queue: ShardQueue, operation: ShardOperation): OutcomeDelivery {
  let onDelay = doNothing;
  const isDelayed = new Promise<false>((resolve) => {
    onDelay = () => resolve(false);
  });
  const answer = new Promise<ShardResult>((resolve) => {
    queue.enqueue(new QueuedOperation(operation, resolve, onDelay));
  });
  const isRecorded = answer.then(({ kind }) => kind === 'done');
  return { answer, isRecordedSoon: Promise.race([isDelayed, isRecorded]) };
}
