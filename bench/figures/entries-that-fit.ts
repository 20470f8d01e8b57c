// Decides how many entries the machine has memory for. A machine that swaps tells nothing of a server.

/** An entry of 100 bytes takes less; the rest is for the copies that loading and compaction make. */
const bytesEach = 600;
/** The load and the system need the rest. */
const share = 0.6;

/** @returns as many as are wanted, or fewer, rounded to two digits */
export function entriesThatFit(
  wanted: number,
  freeBytes: number = process.availableMemory(),
): number {
  const fitting = Math.floor((freeBytes * share) / bytesEach);
  return wanted <= fitting ? wanted : Number(fitting.toPrecision(2));
}
