// One operation waiting for its answer.
import { frameBytesOf } from '../protocol/batch-frame.ts';
import type { ShardOperation, ShardResult } from '../protocol/shard-operation.ts';

export class Ticket {
  readonly operation: ShardOperation;
  /** About what it takes in a batch, in bytes. */
  readonly bytes: number;
  /** Called once, in the order of the queue. Must not throw. */
  readonly settle: (result: ShardResult) => void;

  constructor(operation: ShardOperation, settle: (result: ShardResult) => void) {
    this.operation = operation;
    this.bytes = frameBytesOf(operation);
    this.settle = settle;
  }
}
