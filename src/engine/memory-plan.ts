// Decides how much memory each part of a server may use, if the settings leave it open. All parts
// together must fit into the memory of the process, or the system kills it. Knows the parts of the
// main thread. heap-plan.ts decides on the heaps of the threads.

/** A setting: a number of bytes, or left to the plan. */
export type BytesOrAuto = number | 'auto';

/** Settings, in bytes. */
export interface MemoryNeeds {
  readonly cacheBytes: BytesOrAuto;
  readonly compactJournalBytes: BytesOrAuto;
  readonly bodyBytesInFlightMax: BytesOrAuto;
  readonly batchBytesMax: BytesOrAuto;
  readonly valueBytesMax: number;
}

/** In bytes. */
export interface MemoryPlan {
  readonly cacheBytes: number;
  readonly compactJournalBytes: number;
  /** At least as much as the largest value and the largest batch. */
  readonly bodyBytesInFlightMax: number;
  readonly batchBytesMax: number;
  /** Values gathered for replies; replies not taken yet; requests that wait: each so many at most. */
  readonly replyBytesMax: number;
}

const mebibyte = 2 ** 20;

/** A part of the memory, up to a size with which every part works well. */
function part(memoryBytes: number, share: number, mebibytesMax: number): number {
  const bytes = Math.floor(memoryBytes * share);
  return Math.min(Math.max(bytes, mebibyte), mebibytesMax * mebibyte);
}

const orElse = (setting: BytesOrAuto, bytes: number): number =>
  setting === 'auto' ? bytes : setting;

/** @param memoryBytes that the process may use */
export function planMemory(needs: MemoryNeeds, memoryBytes: number): MemoryPlan {
  const bodies = Math.max(part(memoryBytes, 1 / 32, 256), needs.valueBytesMax);
  const batch = orElse(
    needs.batchBytesMax,
    Math.min(part(memoryBytes, 1 / 128, 64), orElse(needs.bodyBytesInFlightMax, Infinity)),
  );
  return {
    cacheBytes: orElse(needs.cacheBytes, part(memoryBytes, 1 / 64, 64)),
    compactJournalBytes: orElse(needs.compactJournalBytes, part(memoryBytes, 1 / 128, 64)),
    bodyBytesInFlightMax: orElse(needs.bodyBytesInFlightMax, Math.max(bodies, batch)),
    batchBytesMax: batch,
    replyBytesMax: part(memoryBytes, 1 / 32, 256),
  };
}
