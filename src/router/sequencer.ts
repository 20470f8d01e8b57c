// The one place that puts operations into the shards' queues, and tells the read cache in the same
// turn. Operations that are queued in one synchronous turn share one moment over all shards. Each
// shard sees these operations at the same place in its order. Knows no lock and no thread.
import type { TimestampClock } from '../base/clock.ts';
import { overloaded } from '../base/overloaded.ts';
import type {
  CutOperation,
  GetAtOperation,
  ShardChanges,
  ShardOperation,
  ShardResult,
} from '../protocol/shard-operation.ts';
import type { Authorization } from '../store/authorization.ts';
import {
  isWrite,
  namesOf,
  type CommandOperation,
  type EntryName,
  type GetOperation,
  type Operation,
} from '../store/operation.ts';
import type { ReplyResult, Result } from '../store/result.ts';
import { shardOfKey } from '../store/slot.ts';
import { QueuedOperation } from './shard/queued-operation.ts';
import type { ReadCache } from './read-cache.ts';
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
  readonly #cache: ReadCache;
  readonly #clock: TimestampClock;

  constructor(queues: readonly ShardQueue[], cache: ReadCache, clock: TimestampClock) {
    this.queues = queues;
    this.#cache = cache;
    this.#clock = clock;
  }

  queueOf(key: string): ShardQueue {
    const queue = this.queues[shardOfKey(key, this.queues.length)];
    if (queue === undefined) throw new Error('every slot has a shard');
    return queue;
  }

  /**
   * The read cache's answer, if the operation is a read and the cache has its entry.
   *
   * @param now the present timestamp
   */
  cached(operation: AnyOperation, now: number): Result | undefined {
    if (operation.op === 'get') return this.#cache.get(operation, now);
    if (operation.op === 'head') return this.#cache.head(operation, now);
    return undefined;
  }

  /** Like `cached`, but gives the value of a `get` as the reply of a command. */
  cachedReply(operation: AnyOperation, now: number): Result | ReplyResult | undefined {
    if (operation.op !== 'get') return this.cached(operation, now);
    const value = this.#cache.getText(operation, now);
    return value === undefined ? undefined : { kind: 'reply', reply: { kind: 'bulk', value } };
  }

  /** Queues an operation behind all earlier operations of its shard. */
  enqueue(operation: AnyOperation, complete: Complete): void {
    if (operation.op === 'get') {
      this.#enqueueRead(operation, complete);
      return;
    }
    if (isWrite(operation)) {
      if (operation.op !== 'command') this.#cache.writeQueued(operation);
      else for (const name of namesOf(operation)) this.#cache.writeQueued(name);
    }
    this.queueOf(operation.key).enqueue(new QueuedOperation(operation, complete));
  }

  /**
   * Answers reads of these entries from the cache, or queues them. An entry that has expired by the
   * present timestamp is missing. Refuses each entry that the authorization does not let be read.
   */
  readAt(
    names: readonly EntryName[],
    collector: ReplyCollector<Result>,
    useCache: boolean,
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
      const cached = useCache ? this.cached({ op: 'get', namespace, key }, now) : undefined;
      if (cached === undefined) this.#enqueueRead({ op: 'getAt', namespace, key, now }, complete);
      else complete(cached);
    }
  }

  /**
   * Queues an operation without telling the cache. Only for operations that change no entry for a
   * caller, or if the cache already knows.
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

  /** Tells the cache, and queues the changes of a transaction in one shard. */
  change(
    { queue, ...changes }: ChangesOfShard,
    validUntil: number,
    synced = false,
  ): Promise<ShardResult> {
    this.#changesQueued(changes);
    return this.ask(queue, { op: 'change', ...changes, validUntil, synced });
  }

  /**
   * Tells the cache, and queues the outcome at all participants in this same turn. Every later
   * reader therefore sees all of the transaction.
   */
  commit(transaction: string, participants: readonly ChangesOfShard[]): readonly OutcomeDelivery[] {
    for (const changes of participants) this.#changesQueued(changes);
    return participants.map(({ queue }) => deliver(queue, { op: 'commit', transaction }));
  }

  abort(transaction: string, participants: readonly ShardQueue[]): readonly OutcomeDelivery[] {
    return participants.map((queue) => deliver(queue, { op: 'abort', transaction }));
  }

  #changesQueued({ flush = [], changes }: Pick<ShardChanges, 'flush' | 'changes'>): void {
    for (const namespace of flush) this.#cache.flushQueued(namespace);
    for (const name of changes) this.#cache.writeQueued(name);
  }

  /** Queues a read whose answer fills the cache. */
  #enqueueRead(operation: GetOperation | GetAtOperation, complete: Complete): void {
    const cache = this.#cache;
    const queuedAt = cache.readQueued(operation);
    const completeRead = (answer: ShardResult): void => {
      cache.readAnswered(operation, queuedAt, resultOf(answer));
      complete(answer);
    };
    this.queueOf(operation.key).enqueue(new QueuedOperation(operation, completeRead));
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
