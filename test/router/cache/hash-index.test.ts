import { beforeEach, describe, expect, test } from 'vitest';
import { newEntryHash } from '../../../src/base/entry-hash.ts';
import { HashIndex, noEntry } from '../../../src/router/cache/hash-index.ts';

/** Names by reference: any integer of 32 bits but `noEntry`. */
let names: Map<number, string>;
let readOnes: Set<number>;
let compared: number;
let index: HashIndex;
const hashOf = newEntryHash([1, 2]);

beforeEach(() => {
  names = new Map();
  compared = 0;
  readOnes = new Set();
  index = new HashIndex(1024, {
    hasName: (reference, namespace, key) => {
      compared += 1;
      return names.get(reference) === `${namespace} ${key}`;
    },
    wasRead: (reference) => readOnes.has(reference),
  });
});

function add(reference: number, key: string, hash = hashOf(1, key)): void {
  if (index.isCrowded(names.size)) index.addBucket();
  names.set(reference, `1 ${key}`);
  const lost = index.add(hash, reference);
  if (lost !== noEntry) names.delete(lost);
}

const find = (key: string, hash = hashOf(1, key)): number => index.find(hash, 1, key);

/** References are spread over all 32 bits. */
const referenceOf = (number: number): number => Math.imul(number, 0x9e3779b1);

describe('an index of hashes', () => {
  test('finds nothing, and takes no memory, while it is empty', () => {
    expect(find('a')).toBe(noEntry);
    expect(index.remove(1, 1)).toBe(false);
    expect(index.bytesHeld).toBe(0);
  });

  test('finds almost all of the entries that were added while it grows, and their places', () => {
    const count = 10_000;
    for (let number = 0; number < count; number++) {
      add(referenceOf(number), `key-${number}`);
      expect(find(`key-${number}`)).toBe(referenceOf(number));
    }
    for (let number = 0; number < count; number++) {
      const reference = referenceOf(number);
      expect(find(`key-${number}`)).toBe(names.has(reference) ? reference : noEntry);
    }
    // Full buckets have lost a few.
    expect(names.size).toBeGreaterThan(0.96 * count);
    expect(index.bytes / count).toBeLessThanOrEqual(64 / 2.5);
    expect(index.bytesHeld - index.bytes).toBeLessThan(1024);
    expect(compared).toBeLessThan(3 * count);
  });

  test('gives an entry another reference, or removes it', () => {
    add(1, 'a');
    add(2, 'b');
    names.set(3, '1 a');
    expect(index.replace(hashOf(1, 'a'), 1, 3)).toBe(true);
    expect([find('a'), find('b')]).toEqual([3, 2]);
    expect(index.remove(hashOf(1, 'a'), 3)).toBe(true);
    expect([find('a'), find('b')]).toEqual([noEntry, 2]);
    expect(index.replace(hashOf(1, 'a'), 3, 4)).toBe(false);
    index.clear();
    expect([find('b'), index.bytes, index.bytesHeld]).toEqual([noEntry, 0, 0]);
  });

  test('compares a few names at most, though all names have one hash', () => {
    for (let number = 0; number < 1000; number++) add(number, `key-${number}`, 5);
    expect(names.size).toBe(8);
    for (let number = 0; number < 1000; number++) {
      expect(find(`key-${number}`, 5)).toBe(names.has(number) ? number : noEntry);
    }
    expect(compared).toBeLessThanOrEqual(8 * 1000);
  });

  test('gives up an entry that was not read, if there is one', () => {
    for (let number = 0; number < 100; number++) {
      add(number, `key-${number}`, 5);
      if (number < 7) readOnes.add(number);
    }
    expect([...names.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 99]);
    for (let number = 100; number < 200; number++) {
      add(number, `key-${number}`, 5);
      readOnes.add(number);
    }
    expect(names.has(199)).toBe(true);
    expect([...names.keys()].filter((number) => number < 7)).toEqual([]);
  });
});
