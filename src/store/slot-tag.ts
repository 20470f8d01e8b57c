// Short hash tags, one per slot. A key with the tag of another key's slot is in that key's shard,
// for any number of shards.
import { slotCount, slotOfKey } from './slot.ts';

let tags: readonly string[] | undefined;

/** @returns the tag in braces, for the front of a key */
export function tagOfSlot(slot: number): string {
  tags ??= findTags();
  return `{${tags[slot] ?? ''}}`;
}

function findTags(): string[] {
  const found: string[] = [];
  found.length = slotCount;
  for (let number = 0, missing = slotCount; missing > 0; number++) {
    const tag = number.toString(36);
    const slot = slotOfKey(tag);
    if (found[slot] !== undefined) continue;
    found[slot] = tag;
    missing -= 1;
  }
  return found;
}
