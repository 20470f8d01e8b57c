// How much of its thread's heap a shard may fill. The thread ends if its heap is exhausted, and the
// next one could not recover what the files hold: so puts are refused in time. Knows the costs of
// batches and of V8; what an entry takes is entry-table.ts's matter.

export interface MemoryLimits {
  /** What entries, and parts of transactions, may take after a put, in bytes. */
  readonly keptBytesMax: number;
  /** The same together with what a batch takes while it is carried out. */
  readonly workBytesMax: number;
}

export const unlimitedMemory: MemoryLimits = { keptBytesMax: Infinity, workBytesMax: Infinity };

/** The program itself, and what a thousand small operations take, in bytes. */
const baseBytes = 10 * 1024 * 1024;
/**
 * V8 gives a heap up that stays above four fifths of its limit. The rest is also for tables while
 * they grow, and for holes between objects.
 */
const keptShare = 0.75;
const workShare = 0.9;

/** @param heapBytes V8's limit for the old generation of the thread */
export function memoryLimitsOf(heapBytes: number): MemoryLimits {
  return {
    keptBytesMax: Math.max(0, heapBytes * keptShare - baseBytes),
    workBytesMax: Math.max(0, heapBytes * workShare - baseBytes),
  };
}

/**
 * A value on its way to a journal or back is text, escaped text, and a line: two characters a byte,
 * two bytes a character, each of them held twice; and the value that it replaces.
 */
const workFactor = 15;

/**
 * What it takes to write values, or to read them back, beside themselves.
 *
 * @param bytes of the values of one line, in sum
 */
export function workBytesOf(bytes: number): number {
  return bytes * workFactor;
}
