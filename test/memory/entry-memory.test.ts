import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntryMemory, entryMemoryBytes } from '../../src/memory/entry-memory.ts';
import { EntryPieces, segmentBytes } from '../../src/memory/entry-pieces.ts';
import { NewsOfMemory } from '../../src/memory/memory-news.ts';

interface Written {
  readonly namespace: number;
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly expiresAt: number | undefined;
}

function newMemory(): EntryMemory {
  return new EntryMemory(new EntryPieces(), new NewsOfMemory());
}

/** Ends a batch. */
function clean(memory: EntryMemory): void {
  memory.clean();
  memory.reuseReleased();
}

function add(memory: EntryMemory, { namespace, key, value, version, expiresAt }: Written): number {
  return memory.add(namespace, key, value, version, expiresAt);
}

const keyOf = (n: number): string => `key-${String(n).padStart(8, '0')}`;

function expectEntry(memory: EntryMemory, number: number, written: Written): void {
  const { namespace, key, value, version, expiresAt } = written;
  expect(memory.keyOf(number)).toBe(key);
  expect(memory.keyLengthOf(number)).toBe(key.length);
  expect(memory.valueOf(number) === value).toBe(true);
  expect(memory.sizeOf(number)).toBe(value.length);
  expect(memory.versionOf(number)).toBe(version);
  expect(memory.expiryOf(number)).toBe(expiresAt);
  expect(memory.namespaceOf(number)).toBe(namespace);
  expect(memory.compareKey(number, key)).toBe(0);
  expect(memory.compareKey(number, `${key}\0`)).toBeLessThan(0);
}

describe('the memory of entries', () => {
  const written = fc.record({
    namespace: fc.integer({ min: -5, max: 5 }),
    key: fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    value: fc
      .oneof(
        { weight: 10, arbitrary: fc.nat({ max: 2000 }) },
        { weight: 2, arbitrary: fc.integer({ min: 60_000, max: 70_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 90_000, max: 1_200_000 }) },
      )
      .map((length) => 'é'.repeat(length)),
    version: fc.maxSafeNat(),
    expiresAt: fc.option(fc.maxSafeNat(), { nil: undefined }),
  });
  const step = fc.record({
    does: fc.constantFrom('add', 'add', 'replace', 'replace', 'replace', 'remove'),
    which: fc.nat(),
    times: fc.integer({ min: 1, max: 60 }),
    written,
  });

  test('gives back what was written last, however often entries were replaced and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const memory = newMemory();
        const held = new Map<number, Written>();
        for (const { does, which, times, written: entry } of steps) {
          for (let time = 0; time < times; time++) {
            const numbers = [...held.keys()];
            const number = numbers[(which + time) % Math.max(1, numbers.length)];
            if (does === 'add' || number === undefined) {
              held.set(add(memory, entry), entry);
            } else if (does === 'remove') {
              memory.remove(number);
              held.delete(number);
            } else {
              const { namespace, key } = held.get(number) as Written;
              const next = { ...entry, namespace, key };
              const { value, version, expiresAt } = next;
              const place = memory.replace(number, namespace, key, value, version, expiresAt);
              if (time % 5 === 0) {
                memory.takeBack(number, place);
              } else {
                memory.free(place);
                held.set(number, next);
              }
            }
            if (time % 3 === 0) clean(memory);
          }
        }
        for (const [number, entry] of held) expectEntry(memory, number, entry);
      }),
      { numRuns: 60 },
    );
  });

  test('compares keys by their bytes', () => {
    const memory = newMemory();
    const keys = ['', 'a', 'aa', 'ab', 'b', '\xff', '\0'];
    for (const key of keys) {
      const number = memory.add(0, key, '', 1, undefined);
      for (const other of keys) {
        const expected = key < other ? -1 : key > other ? 1 : 0;
        expect(Math.sign(memory.compareKey(number, other))).toBe(expected);
      }
    }
  });

  const loads: Record<string, [number, (round: number, n: number) => number]> = {
    'values of one size': [20_000, () => 100],
    'values that grow': [20_000, (round) => 20 * (round + 1)],
    'values of many sizes': [20_000, (round, n) => (n * 7919 + round * 104_729) % 3000],
    'large values': [400, (round, n) => 65_537 + ((n * 7919 + round * 104_729) % 200_000)],
  };
  test.each(Object.entries(loads))(
    'stays within its account while all is replaced: %s',
    (_, [count, size]) => {
      const memory = newMemory();
      const sizeOf = new Map<number, number>();
      const numbers: number[] = [];
      for (let n = 0; n < count; n++) {
        sizeOf.set(n, size(0, n));
        numbers.push(memory.add(0, keyOf(n), 'v'.repeat(size(0, n)), 1, undefined));
      }
      const numberOf = (n: number): number => numbers[n] ?? -1;
      for (let round = 1; round < 12; round++) {
        for (let turn = 0; turn < count; turn++) {
          const n = round % 2 === 0 ? turn : (turn * 7919) % count;
          const value = 'v'.repeat(size(round, n));
          sizeOf.set(n, value.length);
          memory.free(memory.replace(numberOf(n), 0, keyOf(n), value, round, undefined));
          if (n % 20 === 0) clean(memory);
        }
        let account = 0;
        for (const bytes of sizeOf.values()) account += entryMemoryBytes(12, bytes, undefined);
        // Three segments more: one that is written to, one that is cleaned, and one of slack.
        expect(memory.segmentBytes).toBeLessThan(account + 3 * segmentBytes);
      }
      for (const [n, bytes] of sizeOf) {
        expect(memory.sizeOf(numberOf(n))).toBe(bytes);
        expect(memory.keyOf(numberOf(n))).toBe(keyOf(n));
      }
    },
  );

  test('gives segments back while entries are removed, without any other change', () => {
    const memory = newMemory();
    const value = 'v'.repeat(100);
    for (let n = 0; n < 50_000; n++) memory.add(0, `key-${n}`, value, 1, undefined);
    for (let n = 0; n < 50_000; n++) {
      if (n % 10 !== 0) memory.remove(n);
      clean(memory);
    }
    expect(memory.segmentBytes).toBeLessThan((5000 * 136 * 4) / 3 + 3 * segmentBytes);
    for (let n = 0; n < 50_000; n += 10) expect(memory.keyOf(n)).toBe(`key-${n}`);
  });

  test('takes numbers of removed entries again', () => {
    const memory = newMemory();
    const numbers = Array.from({ length: 10 }, (_, n) => memory.add(0, `k${n}`, 'v', 1, undefined));
    for (const number of numbers) memory.remove(number);
    expect(memory.freeBytes).toBe(40);
    const again = numbers.map((n) => memory.add(0, `l${n}`, 'v', 1, undefined));
    expect(new Set(again)).toEqual(new Set(numbers));
    expect(memory.freeBytes).toBe(0);
  });
});
