// The one place that puts operations into the shards' queues, and tells the read cache in the same
// turn. Operations that are queued in one synchronous turn are one moment over all shards: each shard
// sees them at the same place in its order. Knows no lock and no thread.
import type { StampClock } from '../base/clock.ts';
import { overloaded } from '../base/overloaded.ts';
import type {
  CutOperation,
  GetAtOperation,
  ShardChanges,
  ShardOperation,
  ShardResult,
} from '../protocol/shard-operation.ts';
import {
  isWrite,
  namesOf,
  type CommandOperation,
  type EntryName,
  type GetOperation,
  type Operation,
} from '../store/operation.ts';
import type { ReplyResult, Result } from '../store/result.ts';
import { shardOfSlot, slotOfKey } from '../store/slot.ts';
import { QueuedOperation } from './shard/queued-operation.ts';
import type { ReadCache } from './read-cache.ts';
import type { ReplyCollector } from './reply-collector.ts';

export type AnyOperation = Operation | CommandOperation;

/** Called once with the answer, in the order of the shard's answers. Must not throw. */
export type Complete = (result: ShardResult) => void;

/** One shard as the sequencer sees it. */
export interface ShardQueue {
  /** Its number. */
  readonly shard: number;
  /** No change up to the last answer has a seq as high. */
  readonly nextSeq: number;
  /** Whether so many more operations, of so many bytes, may be queued. */
  hasRoom(operations: number, bytes: number): boolean;
  /** Queues the operation, or completes it at once with the reason for which it is refused. */
  enqueue(queued: QueuedOperation): void;
}

/** Changes of one transaction in one shard. */
export interface ChangesOfShard extends Omit<ShardChanges, 'validUntil'> {
  readonly queue: ShardQueue;
}

/** An outcome on its way to one participant. */
export interface OutcomeDelivery {
  /** Rejects never. `refused` only if the shard has ended before it recorded the outcome. */
  readonly answer: Promise<ShardResult>;
  /** True once it is recorded; false as soon as the shard has to recover first, which may take long. */
  readonly isRecordedSoon: Promise<boolean>;
}

/** A shard answers an operation with a result; any other kind is a bug. */
export function resultOf(answer: ShardResult): Result {
  const result = resultOrReplyOf(answer);
  if (result.kind === 'reply') throw new Error('an operation was answered by a reply');
  return result;
}

/** The same if the operation may be a command. */
export function resultOrReplyOf(answer: ShardResult): Result | ReplyResult {
  const { kind } = answer;
  if (
    kind === 'page' ||
    kind === 'count' ||
    kind === 'done' ||
    kind === 'stale' ||
    kind === 'cut'
  ) {
    throw new Error(`an operation was answered by a ${kind}`);
  }
  return answer;
}

export class Sequencer {
  /** By number. */
  readonly queues: readonly ShardQueue[];
  readonly #cache: ReadCache;
  readonly #clock: StampClock;

  constructor(queues: readonly ShardQueue[], cache: ReadCache, clock: StampClock) {
    this.queues = queues;
    this.#cache = cache;
    this.#clock = clock;
  }

  queueOf(key: string): ShardQueue {
    const queue = this.queues[shardOfSlot(slotOfKey(key), this.queues.length)];
    if (queue === undefined) throw new Error('every slot has a shard');
    return queue;
  }

  /** The answer of the read cache, if the operation is a read and the cache has one. */
  cached(operation: AnyOperation): Result | undefined {
    if (operation.op !== 'get' && operation.op !== 'head') return undefined;
    const entry = this.#cache.get(operation, this.#clock.stamp());
    return operation.op === 'get' || entry === undefined ? entry : { ...entry, value: undefined };
  }

  /** Queues an operation behind all that its shard was asked before. */
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

  /** Queues, or answers from the cache, reads of these entries. The present stamp judges deadlines. */
  readAt(names: readonly EntryName[], collector: ReplyCollector<Result>, useCache: boolean): void {
    const now = this.#clock.stamp();
    for (const [index, { namespace, key }] of names.entries()) {
      const complete: Complete = (answer) => collector.complete(index, resultOf(answer));
      const cached = useCache ? this.cached({ op: 'get', namespace, key }) : undefined;
      if (cached === undefined) this.#enqueueRead({ op: 'getAt', namespace, key, now }, complete);
      else complete(cached);
    }
  }

  /** Queues an operation that changes no entry for a caller: the cache need not hear of it. */
  ask(queue: ShardQueue, operation: ShardOperation | CutOperation): Promise<ShardResult> {
    return new Promise((resolve) => queue.enqueue(new QueuedOperation(operation, resolve)));
  }

  /**
   * Asks all shards at one moment, or none if one has no room.
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
  change({ queue, ...changes }: ChangesOfShard, validUntil: number): Promise<ShardResult> {
    this.#changesQueued(changes);
    return this.ask(queue, { op: 'change', ...changes, validUntil });
  }

  /** Queues the outcome of a prepared transaction at all these participants in this very turn. */
  commit(transaction: string, participants: readonly ChangesOfShard[]): readonly OutcomeDelivery[] {
    for (const changes of participants) this.#changesQueued(changes);
    return participants.map(({ queue }) => deliver(queue, { op: 'commit', transaction }));
  }

  abort(transaction: string, participants: readonly ShardQueue[]): readonly OutcomeDelivery[] {
    return participants.map((queue) => deliver(queue, { op: 'abort', transaction }));
  }

  #changesQueued({ flush = [], changes }: Pick<ShardChanges, 'flush' | 'changes'>): void {
    if (flush.length > 0) this.#cache.flushQueued();
    for (const name of changes) this.#cache.writeQueued(name);
  }

  /** Reads fill the cache. */
  #enqueueRead(operation: GetOperation | GetAtOperation, complete: Complete): void {
    const cache = this.#cache;
    const pending = cache.readQueued(operation);
    const completeRead = (answer: ShardResult): void => {
      cache.readAnswered(operation, pending, resultOf(answer));
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
