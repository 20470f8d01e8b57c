// The error for a shard that does not fit into its thread's memory, whichever side finds out.
import { StoreError } from '../base/errors.ts';

/** @param name the shard's folder, for the operator */
export function heapTooSmall(name: string): StoreError {
  const detail =
    `${name} holds more than fits into the memory of its thread: raise the setting shardHeapMiB, ` +
    'at least to what it was when this was written. Nothing has been changed.';
  return new StoreError('STORE_MISMATCH', detail);
}

/** True if a thread ended because its heap was exhausted. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
