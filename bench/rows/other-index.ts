// Pairs each key with one of another shard. Knows how keys map to slots, and no request.
import { slotCount, slotOfKey } from '../../src/store/slot.ts';
import { keyOf } from '../workload.ts';

/** Shards are ranges of slots: keys of different halves share none, if the number of shards is even. */
const halfOf = (index: number): number => Math.floor((2 * slotOfKey(keyOf(index))) / slotCount);

const others = new Map<number, number>();

/**
 * @returns the number of the next key in the other half of the slots
 * @throws Error if none of the keys is there
 */
export function otherIndex(index: number, keys: number): number {
  const known = others.get(index);
  if (known !== undefined && known < keys) return known;
  for (let step = 1; step < keys; step++) {
    const other = (index + step) % keys;
    if (halfOf(other) === halfOf(index)) continue;
    others.set(index, other);
    return other;
  }
  throw new Error(`no key of ${keys} is of another shard than ${keyOf(index)}`);
}
