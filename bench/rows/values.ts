// The values that rows write. A value tells which key it belongs to and which round wrote it, so that a
// reply can be judged.

const filler = 'holdfast ';

/** @param seed 0 for the values that a store is filled with; the number of a round for later ones */
export function seededValue(index: number, seed: number, bytes: number): string {
  return `value-${index}-${seed}-`.padEnd(bytes, filler);
}

/** @returns the seed of a value of this key; undefined if it is no such value, to the byte */
export function seedOf(value: string, index: number, bytes: number): number | undefined {
  const [, digits] = /^value-\d+-(\d+)-/.exec(value) ?? [];
  const seed = Number(digits);
  return value === seededValue(index, seed, bytes) ? seed : undefined;
}
