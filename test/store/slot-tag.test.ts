import { expect, test } from 'vitest';
import { tagOfSlot } from '../../src/store/slot-tag.ts';
import { slotCount, slotOfKey } from '../../src/store/slot.ts';

test('a key behind the tag of a slot is in that slot, whatever follows', () => {
  for (let slot = 0; slot < slotCount; slot++) {
    const tag = tagOfSlot(slot);
    expect(tag.length).toBeLessThanOrEqual(8);
    if (slotOfKey(`${tag}any{other}`) !== slot) throw new Error(`${tag} is not in slot ${slot}`);
  }
});
