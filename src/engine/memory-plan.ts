// Decides how much memory each part of a server may use, if the settings leave it open. All parts
// together must fit into the memory of the process, or the system kills it. Knows the parts of the
// main thread. heap-plan.ts decides on the heaps of the threads.

/** A setting: a number, or left to the plan. */
export type NumberOrAuto = number | 'auto';

/** Settings, in bytes unless they say otherwise. */
export interface MemoryNeeds {
  readonly compactJournalBytes: NumberOrAuto;
  readonly bodyBytesInFlightMax: NumberOrAuto;
  readonly batchBytesMax: NumberOrAuto;
  readonly valueBytesMax: number;
  /** A number of connections. */
  readonly connectionsMax: NumberOrAuto;
  /** Empty without TLS. */
  readonly tlsCert: string;
}

/** In bytes unless it says otherwise. */
export interface MemoryPlan {
  readonly compactJournalBytes: number;
  /** At least as much as the largest value and the largest batch. */
  readonly bodyBytesInFlightMax: number;
  readonly batchBytesMax: number;
  /** Values gathered for replies; replies not taken yet; requests that wait: each so many at most. */
  readonly replyBytesMax: number;
  readonly connectionsMax: number;
}

const mebibyte = 2 ** 20;

/** Bytes of memory of an idle connection: measured, and rounded up. */
const connectionBytes = 16 * 1024;
const secureConnectionBytes = 64 * 1024;
const connectionsShare = 1 / 16;
const connectionsMost = 10_000;

function connectionsFor({ tlsCert }: MemoryNeeds, memoryBytes: number): number {
  const each = tlsCert === '' ? connectionBytes : secureConnectionBytes;
  return Math.min(Math.floor((memoryBytes * connectionsShare) / each), connectionsMost);
}

/** A part of the memory, up to a size with which every part works well. */
function part(memoryBytes: number, share: number, mebibytesMax: number): number {
  const bytes = Math.floor(memoryBytes * share);
  return Math.min(Math.max(bytes, mebibyte), mebibytesMax * mebibyte);
}

const orElse = (setting: NumberOrAuto, otherwise: number): number =>
  setting === 'auto' ? otherwise : setting;

/** @param memoryBytes that the process may use */
export function planMemory(needs: MemoryNeeds, memoryBytes: number): MemoryPlan {
  const bodies = Math.max(part(memoryBytes, 1 / 32, 256), needs.valueBytesMax);
  const batch = orElse(
    needs.batchBytesMax,
    Math.min(part(memoryBytes, 1 / 128, 64), orElse(needs.bodyBytesInFlightMax, Infinity)),
  );
  return {
    compactJournalBytes: orElse(needs.compactJournalBytes, part(memoryBytes, 1 / 128, 64)),
    bodyBytesInFlightMax: orElse(needs.bodyBytesInFlightMax, Math.max(bodies, batch)),
    batchBytesMax: batch,
    replyBytesMax: part(memoryBytes, 1 / 32, 256),
    connectionsMax: orElse(needs.connectionsMax, connectionsFor(needs, memoryBytes)),
  };
}
