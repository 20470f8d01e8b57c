// One operation waiting for its answer.
import { frameBytesOf } from '../protocol/batch-frame.ts';
import type { CutOperation, ShardOperation, ShardResult } from '../protocol/shard-operation.ts';

function nothing(): void {}

export class Ticket {
  readonly operation: ShardOperation | CutOperation;
  /** About what it takes in a batch, in bytes. */
  readonly bytes: number;
  /** When it was queued, monotonic milliseconds. */
  queuedAtMs = 0;
  /** Called once, in the order of the queue. Must not throw. */
  readonly settle: (result: ShardResult) => void;

  /** Called where it has to wait for its shard to be well again. */
  readonly onDelay: () => void;

  constructor(
    operation: ShardOperation | CutOperation,
    settle: (result: ShardResult) => void,
    onDelay: () => void = nothing,
  ) {
    this.operation = operation;
    this.onDelay = onDelay;
    this.bytes = operation.op === 'cut' ? 0 : frameBytesOf(operation);
    this.settle = settle;
  }

  /**
   * It tells what is decided already: its shard has to hear of it, however often that takes. So it
   * does of what it need not keep any more: else it would keep it for good.
   */
  get mustArrive(): boolean {
    return this.operation.op === 'decide' || this.operation.op === 'settle';
  }
}
