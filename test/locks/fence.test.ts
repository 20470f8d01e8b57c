import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFence, encodeFence, lastFenceRestored, nextFence } from '../../src/locks/fence.ts';

const wallMs = 1_764_000_000_000;
const atWall = wallMs * 1024;

describe('the next fence', () => {
  test('is the wall clock times 1,024 in a namespace that has given none', () => {
    expect(nextFence(undefined, wallMs)).toBe(atWall);
    expect(nextFence(undefined, wallMs + 0.9)).toBe(atWall);
  });

  test('is one above the last, whatever the clock says', () => {
    for (const last of [1, atWall - 5, atWall, atWall * 2]) {
      expect(nextFence(last, wallMs)).toBe(last + 1);
    }
  });
});

const firstRestored = (last: number): number =>
  nextFence(lastFenceRestored(last, wallMs), wallMs + 1);

describe('the first fence of a restored store', () => {
  test('is 2^40 above that of the backup if the clock is not above that', () => {
    for (const last of [atWall, atWall - 2 ** 40, atWall + 7]) {
      expect(firstRestored(last)).toBe(last + 2 ** 40);
    }
  });

  test('is the wall clock if the backup is old', () => {
    for (const last of [1, atWall - 2 ** 40 - 1, atWall - 2 ** 45])
      expect(firstRestored(last)).toBe(atWall);
  });

  test('of a store that was restored again and again is a safe integer', () => {
    let last = atWall;
    for (let count = 0; count < 1000; count++) last = lastFenceRestored(last, wallMs);
    expect(Number.isSafeInteger(last)).toBe(true);
    expect(last).toBe(atWall + 1000 * (2 ** 40 - 1));
  });
});

describe('a stored fence', () => {
  test('is read as it was written', () => {
    const fence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const property = fc.property(fence, (each) => {
      expect(decodeFence(encodeFence(each))).toBe(each);
    });
    fc.assert(property);
    expect(encodeFence(atWall).toString()).toBe(String(atWall));
  });

  test.each(['', '0', '-1', '1.5', 'x', '9007199254740992', '1e400'])('is never %j', (text) => {
    expect(() => decodeFence(Buffer.from(text))).toThrow('an entry of a fence has none');
  });
});
