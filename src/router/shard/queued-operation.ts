// One operation that waits for its shard's answer. Knows neither its queue nor the thread.
import { frameBytesOf } from '../../protocol/batch-frame.ts';
import {
  isOutcome,
  type CutOperation,
  type ShardOperation,
  type ShardResult,
} from '../../protocol/shard-operation.ts';

function nothing(): void {}

export class QueuedOperation {
  readonly operation: ShardOperation | CutOperation;
  /** About the operation's size in a batch, in bytes. */
  readonly bytes: number;
  /** Its place in the order of the shard's queue, over all lives of the thread. */
  position = 0;
  /** The time of queuing, in monotonic milliseconds. */
  queuedAtMs = 0;
  /** Number of threads that died or hung with this operation in flight. */
  threadsLost = 0;
  /** Called once, in the order of the queue. Must not throw. */
  readonly complete: (result: ShardResult) => void;

  /** Called if the operation has to wait until its shard has recovered from a fault. */
  readonly onDelay: () => void;

  constructor(
    operation: ShardOperation | CutOperation,
    complete: (result: ShardResult) => void,
    onDelay: () => void = nothing,
  ) {
    this.operation = operation;
    this.onDelay = onDelay;
    this.bytes = operation.op === 'cut' ? 0 : frameBytesOf(operation);
    this.complete = complete;
  }

  /**
   * True for outcomes and forgets: they are refused only if the shard has failed or is closing.
   * The sender sends such an operation again until the shard has applied it. A shard that missed
   * one would keep its transaction for good.
   */
  get mustDeliver(): boolean {
    return isOutcome(this.operation) || this.operation.op === 'forget';
  }
}
