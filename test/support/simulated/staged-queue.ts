// The queue of one shard as the sequencer sees it. The test gives the answers, in any order.
import { StoreError, type Outcome } from '../../../src/base/errors.ts';
import type { ShardResult } from '../../../src/protocol/shard-operation.ts';
import type { ShardQueue } from '../../../src/router/sequencer.ts';
import type { QueuedOperation } from '../../../src/router/shard/queued-operation.ts';
import type { EntryName } from '../../../src/store/operation.ts';
import type { EntryResult, RefusedResult } from '../../../src/store/result.ts';
import { namespace } from '../stores/operations.ts';

export class StagedQueue implements ShardQueue {
  readonly shard: number;
  readonly nextSeq: number;
  /** Free room in bytes. */
  room = Infinity;
  /** Queued operations that the test has not taken. */
  readonly asked: QueuedOperation[] = [];
  onEnqueue: () => void = () => {};
  lastPosition = 0;
  nextExpiryAt = Infinity;
  readonly entries: ShardQueue['entries'] & object;
  /** The entries in the shard's memory, by key. */
  readonly memory = new Map<string, EntryResult>();
  /** The immediate answer to an operation; undefined: it waits for the test. */
  answerAtOnce: (operation: QueuedOperation['operation']) => ShardResult | undefined = () =>
    undefined;

  constructor(shard: number) {
    this.shard = shard;
    this.nextSeq = 100 * (shard + 1);
    const get = (_: string, key: string, now: number): EntryResult | undefined => {
      const found = this.memory.get(key);
      return found === undefined || (found.expiresAt ?? Infinity) <= now ? undefined : found;
    };
    this.entries = {
      get,
      head: (...asked) => {
        const found = get(...asked);
        return found && { ...found, value: undefined };
      },
      getText: (...asked) => get(...asked)?.value?.toString(),
    };
  }

  /** An operation is open until the test takes it. */
  get openPosition(): number {
    return this.asked[0]?.position ?? Infinity;
  }

  hasRoom(_operations: number, bytes: number): boolean {
    return bytes <= this.room;
  }

  enqueue(queued: QueuedOperation): void {
    this.onEnqueue();
    this.lastPosition += 1;
    queued.position = this.lastPosition;
    const answer = this.answerAtOnce(queued.operation);
    if (answer === undefined) this.asked.push(queued);
    else queued.complete(answer);
  }

  /** Takes the first queued operation, which must be of this kind. */
  take(op: QueuedOperation['operation']['op']): QueuedOperation {
    const queued = this.asked.shift();
    if (queued?.operation.op !== op) throw new Error(`${queued?.operation.op} instead of ${op}`);
    return queued;
  }
}

export const done: ShardResult = { kind: 'done' };

export function refused(
  outcome: Outcome,
  code: 'DISK_FULL' | 'SHARD_UNAVAILABLE' = 'SHARD_UNAVAILABLE',
): RefusedResult {
  return { kind: 'refused', error: new StoreError(code, 'no', { outcome }) };
}

export function entry(text: string, expiresAt?: number): EntryResult {
  const value = Buffer.from(text);
  return { kind: 'entry', version: 1, expiresAt, size: value.length, value };
}

/** In tests over staged queues, the first letter of a key is the number of its shard. */
export function name(key: string): EntryName {
  return { namespace, key };
}

/** Runs everything that can run: no settled promise has a callback left. */
export function untilIdle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
