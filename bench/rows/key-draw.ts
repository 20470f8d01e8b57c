// Draws the numbers of keys, evenly or with a Zipf distribution.
import type { KeyDraw } from './row.ts';

/** The exponent of YCSB. */
const theta = 0.99;

/** Scatters popular keys over all keys. Shares no factor with the numbers of keys of the rows. */
export const scatterPrime = 999_983;

/**
 * The constants of the method by Gray et al., "Quickly generating billion-record synthetic
 * databases" (SIGMOD 1994), which YCSB uses.
 */
export interface ZipfConstants {
  readonly zeta: number;
  readonly alpha: number;
  readonly eta: number;
  /** Draws below it, times zeta, are the second rank. */
  readonly second: number;
}

function zetaOf(keys: number): number {
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) sum += rank ** -theta;
  return sum;
}

/** Each round asks for them, and a million keys take some time. */
const constantsOf = new Map<number, ZipfConstants>();

export function zipfConstants(keys: number): ZipfConstants {
  const known = constantsOf.get(keys) ?? computeZipfConstants(keys);
  constantsOf.set(keys, known);
  return known;
}

function computeZipfConstants(keys: number): ZipfConstants {
  const zeta = zetaOf(keys);
  const eta = (1 - (2 / keys) ** (1 - theta)) / (1 - zetaOf(2) / zeta);
  return { zeta, alpha: 1 / (1 - theta), eta, second: 1 + 0.5 ** theta };
}

/** @returns the rank of a key, 0 for the most popular one */
export function zipfRank(keys: number, constants: ZipfConstants, share: number): number {
  const { zeta, alpha, eta, second } = constants;
  const scaled = share * zeta;
  if (scaled < 1) return 0;
  if (scaled < second) return 1;
  return Math.min(keys - 1, Math.floor(keys * (eta * share - eta + 1) ** alpha));
}

/** @param random draws shares from 0 up to, but not including, 1 */
export function keyDrawer(keys: number, draw: KeyDraw, random: () => number): () => number {
  if (draw === 'uniform') return () => Math.floor(random() * keys);
  const constants = zipfConstants(keys);
  return () => (zipfRank(keys, constants, random()) * scatterPrime) % keys;
}
