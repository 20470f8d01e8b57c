// Random choices from a seed: the same seed gives the same choices.

/** A number in [0, 1). */
export type Random = () => number;

/** Mulberry32: 32 bits of state, fast, and good enough for choices. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer from 0 to `bound` - 1. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

export function pickFrom<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[randomBelow(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}
