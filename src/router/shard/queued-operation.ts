// One operation that waits for its answer.
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
  /** About what it takes in a batch, in bytes. */
  readonly bytes: number;
  /** When it was queued, monotonic milliseconds. */
  queuedAtMs = 0;
  /** Threads that died or hung while they had it. */
  threadsLost = 0;
  /** Called once, in the order of the queue. Must not throw. */
  readonly complete: (result: ShardResult) => void;

  /** Called if it has to wait until its shard has recovered from a fault. */
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
   * Outcomes, and their clean-up, must be delivered: they are never refused, and are sent again until
   * the shard has applied them. A shard would keep a transaction for good if it missed one.
   */
  get mustDeliver(): boolean {
    return isOutcome(this.operation) || this.operation.op === 'forget';
  }
}
