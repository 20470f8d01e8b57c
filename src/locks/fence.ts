// Owns how fences grow, and how the last one is stored: as decimal digits. Fences of a namespace begin at the
// wall clock. So those of a namespace that is dropped and made again go on above, as long as no restore has
// raised them.

/** Each millisecond of the wall clock is worth so many fences. */
const fencesInMs = 2 ** 10;

/** A restored store may not know the latest fences. It gives none that is not so much higher. */
export const fenceJumpRestored = 2 ** 40;

function fenceAt(wallMs: number): number {
  return Math.floor(wallMs) * fencesInMs;
}

/** @param last the fence that was given last; undefined if none was given yet */
export function nextFence(last: number | undefined, wallMs: number): number {
  return last === undefined ? fenceAt(wallMs) : last + 1;
}

/** @returns the fence that counts as given last, so that the next one is above all that were ever given */
export function lastFenceRestored(last: number, wallMs: number): number {
  return Math.max(last + fenceJumpRestored, fenceAt(wallMs)) - 1;
}

export function encodeFence(fence: number): Buffer {
  return Buffer.from(String(fence));
}

export function decodeFence(value: Uint8Array): number {
  const fence = Number(Buffer.from(value).toString('latin1'));
  if (!Number.isSafeInteger(fence) || fence < 1) throw new Error('an entry of a fence has none');
  return fence;
}
