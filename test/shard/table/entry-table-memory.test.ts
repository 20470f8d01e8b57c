// Compares the table's account of its memory with V8's own figures. Measures the memory of the
// process, so no other test file may run in it: see vitest.config.ts.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/shard/table/entry.ts';
import { EntryTable } from '../../../src/shard/table/entry-table.ts';

/** A string of its own, as it comes out of a frame or a file. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes on V8's heap and in buffers that belong to one thread. */
function usedBytes(): number {
  // The first collection leaves some garbage that is new, in Node 24.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Keeps all tables, so that the memory of one is not given back while another is measured. */
const tables: EntryTable[] = [];

/** Measures the memory of the table by V8's figures, in bytes. */
function measure(fill: (table: EntryTable) => void): { table: EntryTable; takes: number } {
  const before = usedBytes();
  const table = new EntryTable();
  tables.push(table);
  fill(table);
  return { table, takes: usedBytes() - before + sharedBytesOf(table) };
}

/** Bytes that the table shares with another thread: V8's figures leave these out. */
function sharedBytesOf(table: EntryTable): number {
  const bytes = new Map<string, number>();
  for (const { kind, index, memory } of table.takeNews()?.pieces ?? []) {
    bytes.set(`${kind} ${index}`, memory?.byteLength ?? 0);
  }
  return [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

/** Memory that a table takes in large pieces, whatever it holds: the account leaves it out. */
const piecesBytes = 4 * 1024 * 1024;

describe('the account of a table is no less than the memory that it takes, and not twice as much', () => {
  const count = 33_000;
  const numbers = Array.from({ length: count }, (_, number) => number);
  const cases: Record<string, (number: number) => Partial<Entry>> = {
    'short keys and values': (n) => ({ key: `k${n}`, value: 'v' }),
    'keys in descending order': (n) => ({ key: `k${String(count - n).padStart(8, '0')}` }),
    'keys in no order': () => ({ key: `k${Math.random()}`, value: 'v'.repeat(100) }),
    'long keys, each put twice': (n) => ({ key: `k${n >> 1}`.padEnd(1000, 'x'), value: 'v' }),
    'values that are replaced by larger ones': (n) => ({
      key: `k${n % 3300}`,
      value: 'v'.repeat(n / 33),
    }),
    'large values that are replaced': (n) => ({
      key: `k${n % 2900}`,
      value: n % 29 === 0 ? 'v'.repeat(65_537 + (n % 7) * 20_000) : '',
    }),
    'a deadline each, and versions that are large numbers': (n) => ({
      key: `k${n}`,
      expiresAt: 1.7e12 + n,
      version: 2 ** 40 + n,
    }),
    'a namespace each': (n) => ({ key: 'k', namespace: `namespace-${n}` }),
    'a namespace each, with a deadline': (n) => ({
      key: 'k',
      namespace: `namespace-${n}`,
      expiresAt: 1.7e12 + n,
    }),
    'a namespace each, with a few entries': (n) => ({ key: `k${n}`, namespace: `n${n >> 2}` }),
    'a namespace of a long name': (n) => ({ key: `k${n}`, namespace: 'n'.repeat(200) }),
  };
  test.each(Object.entries(cases))('%s', (_, entryOf) => {
    const { table, takes } = measure((measured) => {
      for (const number of numbers) {
        const { namespace = 'default', key = '', value = 'value', ...rest } = entryOf(number);
        const strings = { namespace: copyOf(namespace), key: copyOf(key), value: copyOf(value) };
        measured.set({ version: 1, expiresAt: undefined, ...strings, ...rest, ...strings });
        if (number % 20 === 0) measured.commit();
      }
    });
    expect(table.memoryBytes).toBeGreaterThan(takes - piecesBytes);
    expect(table.memoryBytes).toBeLessThan(takes * 2);
  });
});
