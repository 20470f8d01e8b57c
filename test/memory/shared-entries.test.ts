import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteStringOfBytes } from '../../src/base/byte-string.ts';
import { SharedEntries } from '../../src/memory/shared-entries.ts';
import type { Entry } from '../../src/shard/table/entry.ts';
import { EntryTable } from '../../src/shard/table/entry-table.ts';

const namespaces = ['a', 'b'];
const keyCount = 400;
const keyOf = (n: number): string => `k${((n % keyCount) + keyCount) % keyCount}`;

const step = fc.record({
  does: fc.constantFrom('set', 'set', 'set', 'delete', 'flush', 'reclaim'),
  ends: fc.constantFrom('commit', 'commit', 'rollback'),
  namespace: fc.constantFrom(...namespaces),
  from: fc.nat({ max: keyCount }),
  stride: fc.constantFrom(1, 3, 7),
  times: fc.integer({ min: 1, max: 300 }),
  size: fc.constantFrom(0, 5, 100, 3000, 60_000, 70_000),
});

const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : byteStringOfBytes(value);

/**
 * Compares direct reads of all entries but those that are being changed.
 *
 * @param hasHeard false: the reader may miss entries in pieces of which it has not heard yet
 */
function expectToRead(
  reader: SharedEntries,
  held: ReadonlyMap<string, ReadonlyMap<string, Entry>>,
  isChanging: (namespace: string, key: string) => boolean,
  hasHeard: boolean,
): void {
  let wrong = 0;
  for (const [namespace, entries] of held) {
    for (let n = 0; n < keyCount; n++) {
      const key = keyOf(n);
      if (isChanging(namespace, key)) continue;
      const expected = entries.get(key);
      const found = reader.get(namespace, key, 0);
      if (found === undefined && !hasHeard) continue;
      // Only the shard knows that there is no entry, and has large values.
      const isKnown = expected !== undefined && expected.value.length <= 65_536;
      const value = isKnown ? expected.value : undefined;
      if (textOf(found?.value) !== value) wrong += 1;
      if (found?.version !== (isKnown ? expected.version : undefined)) wrong += 1;
      if (reader.getText(namespace, key, 0) !== value) wrong += 1;
      if (reader.head(namespace, key, 0)?.size !== value?.length) wrong += 1;
    }
  }
  expect(wrong).toBe(0);
}

test('direct reads find nothing wrong during a batch, and all entries behind it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const table = new EntryTable();
      const reader = new SharedEntries();
      const held = new Map(namespaces.map((name) => [name, new Map<string, Entry>()]));
      let version = 0;
      for (const { does, ends, namespace, from, stride, times, size } of steps) {
        const own = held.get(namespace) ?? new Map<string, Entry>();
        const changed = new Map<string, Entry | undefined>();
        if (does === 'flush') table.flush(namespace);
        if (does === 'reclaim') table.reclaim(times);
        const changes = does === 'set' || does === 'delete' ? times : 0;
        for (let n = 0; n < changes; n++) {
          const key = keyOf(from + n * stride);
          version += 1;
          const value = String.fromCharCode(version % 256).repeat(n < 3 ? size : n % 90);
          const made: Entry = { namespace, key, value, version, expiresAt: undefined };
          if (does === 'set') table.set(made);
          else table.delete(namespace, key);
          changed.set(key, does === 'set' ? made : undefined);
        }
        const isChanging = (name: string, key: string): boolean =>
          name === namespace && (does === 'flush' || changed.has(key));
        expectToRead(reader, held, isChanging, false);
        if (ends === 'rollback') {
          table.rollback();
        } else {
          table.commit();
          table.reclaim(50);
          if (does === 'flush') own.clear();
          for (const [key, entry] of changed) {
            if (entry === undefined) own.delete(key);
            else own.set(key, entry);
          }
        }
        // The answer to the batch is on its way.
        expectToRead(reader, held, isChanging, false);
        const news = table.takeNews();
        if (news !== undefined) reader.hear(news);
        expectToRead(reader, held, () => false, true);
      }
    }),
    { numRuns: 40 },
  );
});

test('a direct read finds nothing from the moment when the entry expires', () => {
  const table = new EntryTable();
  const reader = new SharedEntries();
  expect(reader.get('a', 'k', 0)).toBeUndefined();
  table.set({ namespace: 'a', key: 'k', value: 'v', version: 3, expiresAt: 100 });
  table.commit();
  const news = table.takeNews();
  if (news === undefined) throw new Error('a first entry is news');
  reader.hear(news);
  expect(table.takeNews()).toBeUndefined();
  expect(reader.head('a', 'k', 99)).toEqual({
    kind: 'entry',
    version: 3,
    expiresAt: 100,
    size: 1,
    value: undefined,
  });
  expect(reader.get('a', 'k', 100)).toBeUndefined();
  expect(reader.get('b', 'k', 0)).toBeUndefined();
});
