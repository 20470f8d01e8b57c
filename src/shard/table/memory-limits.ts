// Decides how much of its thread's heap a shard may fill. A thread that exhausts its heap ends, and
// the next one could not recover the files either. So the shard refuses puts in time. Knows the
// costs of batches and of V8, but not of an entry: table-bytes.ts has those.

import { entryMemoryBytesMax } from '../../memory/segment-pool.ts';

export interface MemoryLimits {
  /** The most that entries and prepared changes may take after a put, in bytes. */
  readonly keptBytesMax: number;
  /** The same, plus the memory that a batch takes while it runs, in bytes. */
  readonly workBytesMax: number;
}

export const unlimitedMemory: MemoryLimits = { keptBytesMax: Infinity, workBytesMax: Infinity };

/** The program itself, and a thousand small operations, in bytes. */
const baseBytes = 10 * 1024 * 1024;
/**
 * V8 gives up on a heap that stays above four fifths of its limit. The rest is also for hash tables
 * while they grow, and for holes between objects.
 */
const keptShare = 0.75;
const workShare = 0.9;

/** @param heapBytes V8's limit for the old generation of the thread */
export function memoryLimitsOf(heapBytes: number): MemoryLimits {
  return {
    keptBytesMax: Math.min(Math.max(0, heapBytes * keptShare - baseBytes), entryMemoryBytesMax),
    workBytesMax: Math.max(0, heapBytes * workShare - baseBytes),
  };
}

/**
 * A value on its way to a journal or back is text, escaped text, and a line. Each of these has two
 * characters a byte and two bytes a character, and exists twice. The replaced value is there, too.
 */
const workFactor = 15;

/**
 * The memory to write values, or to read them back, without the values themselves, in bytes.
 *
 * @param bytes of the values of one line, summed
 */
export function workBytesOf(bytes: number): number {
  return bytes * workFactor;
}
