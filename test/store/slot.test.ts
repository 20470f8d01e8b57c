import { describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import { shardOfSlot, slotCount, slotOfKey } from '../../src/store/slot.ts';

describe('slotOfKey', () => {
  // Values from the Redis Cluster specification and `CLUSTER KEYSLOT` of redis-server 7.0.15.
  test.each([
    ['123456789', 0x31c3],
    ['foo', 12182],
    ['{user1000}.following', 3443],
    ['{user1000}.followers', 3443],
    ['user1000', 3443],
    ['', 0],
  ])('hashes %j to slot %i as Redis Cluster does', (key, slot) => {
    expect(slotOfKey(byteStringOfText(key))).toBe(slot);
  });

  test('hashes the whole key if the first tag is empty or never closed', () => {
    expect(slotOfKey('foo{}{bar}')).not.toBe(slotOfKey('bar'));
    expect(slotOfKey('foo{bar')).not.toBe(slotOfKey('bar'));
    expect(slotOfKey('foo{{bar}}zap')).toBe(slotOfKey('{bar'));
    expect(slotOfKey('foo{bar}{zap}')).toBe(slotOfKey('bar'));
  });
});

describe('shardOfSlot', () => {
  test.each([1, 2, 3, 7, 16, 64])('splits all slots into %i contiguous even ranges', (count) => {
    const sizes = Array.from({ length: count }, () => 0);
    let last = 0;
    for (let slot = 0; slot < slotCount; slot++) {
      const shard = shardOfSlot(slot, count);
      expect(shard === last || shard === last + 1).toBe(true);
      sizes[shard] = (sizes[shard] ?? 0) + 1;
      last = shard;
    }
    expect(last).toBe(count - 1);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });
});
