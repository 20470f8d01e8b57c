import { beforeEach, describe, expect, test } from 'vitest';
import { EntryArena } from '../../../src/router/cache/entry-arena.ts';
import { newEntryHash } from '../../../src/base/entry-hash.ts';
import { noEntry } from '../../../src/router/cache/hash-index.ts';
import { entry } from '../../support/simulated/staged-queue.ts';

const mebibyte = 2 ** 20;
const hashOf = newEntryHash([1, 2]);
let arena: EntryArena;

beforeEach(() => {
  arena = new EntryArena(mebibyte);
});

const find = (key: string): number => arena.find(hashOf(0, key), 0, key);

function put(key: string, text: string): void {
  const result = entry(text);
  arena.put(hashOf(0, key), 0, key, result, Buffer.from(text));
}

function read(key: string): string | undefined {
  const reference = find(key);
  if (reference === noEntry) return undefined;
  arena.touch(reference);
  return arena.textOf(reference);
}

/** True if a text is there that the scan did not put for the number. */
const isWrong = (text: string | undefined, number: number): boolean =>
  text !== undefined && text !== `${number} `.padEnd(100, '.');

/** Keys of a scan: each of them is put once, with a value of 100 bytes. */
function scan(from: number, to: number, each: (number: number) => void = () => {}): void {
  for (let number = from; number < to; number++) {
    put(`scanned-${number}`, `${number} `.padEnd(100, '.'));
    each(number);
  }
}

describe('the arena', () => {
  test('takes memory as it needs it, and never more than it may', () => {
    expect(arena.bytesHeld).toBe(0);
    put('a', 'value');
    expect(arena.bytesHeld).toBe(2 * (mebibyte / 16));
    let [heldMost, usedMost] = [0, 0];
    for (const size of [1000, 10, 20_000, 100, 100_000, 10, 500_000, 100]) {
      for (let number = 0; number < Math.max(3e6 / size, 100); number++) {
        put(`${size} ${number}`, 'x'.repeat(size));
        heldMost = Math.max(heldMost, arena.bytesHeld);
        usedMost = Math.max(usedMost, arena.bytes - arena.bytesHeld);
      }
    }
    expect(heldMost).toBeLessThanOrEqual(mebibyte);
    expect(heldMost).toBeGreaterThan(0.9 * mebibyte);
    expect(usedMost).toBeLessThanOrEqual(0);
    arena.clear();
    expect([arena.bytesHeld, arena.bytes, arena.entries]).toEqual([0, 0, 0]);
    expect(find('100 99')).toBe(noEntry);
  });

  test('holds an entry of 12 and 100 bytes in less than 170 bytes, its index counted', () => {
    arena = new EntryArena(8 * mebibyte);
    for (let number = 0; number < 60_000; number++) put(`k${number}`.padEnd(12), 'x'.repeat(100));
    expect(arena.bytesHeld / arena.entries).toBeLessThan(170);
    expect(arena.bytesHeld).toBeGreaterThan(7 * mebibyte);
  });

  test('gives the right values back after many rounds, and drops the oldest first', () => {
    scan(0, 50_000);
    const kept = Array.from({ length: 50_000 }, (_, number) => read(`scanned-${number}`));
    expect(kept.filter(isWrong)).toEqual([]);
    const { entries } = arena;
    expect(kept.filter((text) => text !== undefined)).toHaveLength(entries);
    expect(entries).toBeGreaterThan(5000);
    // The last ones are there, but for those that have lost their slots.
    expect(kept.slice(-5000).filter((text) => text === undefined).length).toBeLessThan(250);
  });

  test('keeps almost all entries that are read now and then, though a scan of others goes by', () => {
    const hot = Array.from({ length: 500 }, (_, number) => `hot-${number}`);
    let [hits, misses] = [0, 0];
    scan(0, 50_000, (number) => {
      if (number % 2000 !== 0) return;
      for (const key of hot) {
        if (read(key) === undefined) {
          misses += 1;
          put(key, `value of ${key}`);
        } else {
          hits += 1;
        }
      }
    });
    // The scan fills the arena eight times. Without another round, each time has 500 misses.
    expect(hits + misses).toBe(12_500);
    expect(misses).toBeLessThan(1000);
  });

  test('drops entries that were read once, and not again', () => {
    const keys = Array.from({ length: 500 }, (_, number) => `once-${number}`);
    for (const key of keys) {
      put(key, 'value');
      read(key);
    }
    scan(0, 30_000);
    expect(keys.filter((key) => read(key) !== undefined)).toEqual([]);
  });

  test('takes new entries though all others were read', () => {
    scan(0, 20_000, (number) => read(`scanned-${number}`));
    expect(read('scanned-19999')).toBeDefined();
    expect(arena.entries).toBeGreaterThan(5000);
  });

  test('removes an entry, and uses its place again', () => {
    let wrong = 0;
    for (let round = 0; round < 50_000; round++) {
      put('a', `${round}`);
      if (read('a') !== `${round}`) wrong += 1;
      arena.remove(find('a'));
      if (find('a') !== noEntry) wrong += 1;
    }
    expect([wrong, arena.entries, arena.bytes]).toEqual([0, 0, 64]);
  });

  test('shares a large value among its readers, and copies a small one for each', () => {
    const [small, large] = ['s'.repeat(1000), 'l'.repeat(20_000)];
    put('small', small);
    put('large', large);
    const valuesOf = (key: string) => [1, 2].map(() => arena.resultOf(find(key)).value);
    const [one, two] = valuesOf('large');
    expect(one).toBe(two);
    expect(one?.toString()).toBe(large);
    const [first, second] = valuesOf('small');
    expect(first).toEqual(second);
    expect(first).not.toBe(second);
    expect([read('small'), read('large')]).toEqual([small, large]);
    expect(arena.headOf(find('large'))).toEqual({ ...entry(large), value: undefined });
  });

  test('gives large values up to half of its memory, and keeps those that are read', () => {
    put('hot', 'h'.repeat(50_000));
    for (let number = 0; number < 200; number++) {
      put(`large-${number}`, 'l'.repeat(50_000));
      expect(read('hot')).toHaveLength(50_000);
    }
    expect(arena.entries).toBe(10);
    scan(0, 50_000);
    expect(arena.entries).toBeGreaterThan(2500);
  });

  test('gives memory of small entries to large ones, but not all of it', () => {
    scan(0, 10_000);
    const before = arena.entries;
    for (let number = 0; number < 30; number++) put(`large-${number}`, 'l'.repeat(50_000));
    expect(arena.entries).toBeLessThan(0.6 * before);
    expect(arena.entries).toBeGreaterThan(0.3 * before);
    expect(read('large-29')).toHaveLength(50_000);
  });

  test('leaves out an entry that is too large, and keeps all others', () => {
    put('a', 'value');
    put('b', 'x'.repeat(mebibyte / 2));
    expect([find('b'), read('a'), arena.entries]).toEqual([noEntry, 'value', 1]);
  });

  test.each([512, 600, 1000, 5000, 70_000])('works in %i bytes', (bytes) => {
    arena = new EntryArena(bytes);
    let heldMost = 0;
    for (let number = 0; number < 5000; number++) {
      put(`k${number % 100}-${number}`, 'x'.repeat(number % 600));
      heldMost = Math.max(heldMost, arena.bytesHeld);
      if (number % 3 === 0) read(`k${number % 100}-${number}`);
    }
    put('small', 'value');
    expect(read('small')).toBe('value');
    expect(heldMost).toBeLessThanOrEqual(bytes);
  });
});
