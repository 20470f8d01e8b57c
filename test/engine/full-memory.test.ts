// Real threads with small heaps, filled with values of many sizes and kinds until they refuse puts.
// No thread may die, and every value must fit into the same heap again at the next start.
// MEMORY_ROUNDS=10 fills more kinds, so many times.
import { cp } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { EmbeddedStoreOptions } from '../../src/engine/open-embedded-store.ts';
import type { Operation } from '../../src/store/operation.ts';
import type { Result } from '../../src/store/result.ts';
import type { CommandStore } from '../../src/store/store.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';
import { get, put, remove } from '../support/stores/operations.ts';

const mebibyte = 2 ** 20;
const rounds = Number(process.env['MEMORY_ROUNDS'] ?? 0);
/** After so many refusals in a row, over both shards, the shards count as full. */
const refusalsMin = 12;
/** Bytes of the operations in flight at one time. */
const sentBytesMax = 3 * mebibyte;
const compactJournalBytes = 16 * mebibyte;

let folder: TestFolder;
let copy: TestFolder;
let store: CommandStore;
beforeEach(async () => {
  folder = await makeTestFolder();
  copy = await makeTestFolder();
});
afterEach(async () => {
  await store.close();
  await folder.remove();
  await copy.remove();
});

function open(
  path: string,
  shardHeapMiB: number,
  options: Partial<EmbeddedStoreOptions> = {},
): Promise<CommandStore> {
  const settings = {
    shardHeapMiB,
    compactJournalBytes,
    fsync: 'never',
    directReads: false,
  } as const;
  return openTestStore(path, { clock: systemClock, ...settings, ...options });
}

function codeOf(result: Result): string {
  return result.kind === 'refused' ? result.error.code : result.kind;
}

type Make = (number: number) => { readonly key: string; readonly value: string | Uint8Array };

const sized =
  (bytes: number, filling: string | number = 'v'): Make =>
  (number) => ({ key: `key-${number}`, value: Buffer.alloc(bytes, filling) });

/** @returns the numbers of the values written */
async function fill(make: Make, from = 0): Promise<number[]> {
  const written: number[] = [];
  for (let next = from, refusals = 0; refusals < refusalsMin;) {
    const puts: Operation[] = [];
    const first = next;
    for (let bytes = 0; bytes < sentBytesMax && puts.length < 4000; next++) {
      const { key, value } = make(next);
      puts.push(put(key, value));
      bytes += value.length;
    }
    const codes = (await store.submitAll(puts)).map(codeOf);
    // One check for all: checks one by one would take longer than the puts.
    expect(['written', 'SHARD_FULL']).toEqual(expect.arrayContaining([...new Set(codes)]));
    for (const [index, code] of codes.entries()) {
      if (code === 'written') written.push(first + index);
      else refusals += 1;
    }
  }
  return written;
}

/** Waits until no compaction is due. */
async function untilCompacted(): Promise<void> {
  const isDue = (): boolean => {
    const { shards, compactions } = store.status();
    return (
      compactions.running > 0 ||
      shards.some(
        ({ journalBytes, snapshotBytes }) =>
          journalBytes > Math.max(compactJournalBytes, snapshotBytes),
      )
    );
  };
  while (isDue()) await delay(20);
  expect(store.status().compactions.failed).toBe(0);
}

function expectNoDeath(): void {
  expect(store.status().shards).toMatchObject([
    { state: 'serving', epoch: 1 },
    { state: 'serving', epoch: 1 },
  ]);
}

const entries = (): number => store.status().shards.reduce((sum, shard) => sum + shard.entries, 0);

async function expectThere(make: Make, numbers: readonly number[]): Promise<void> {
  expect(entries()).toBe(new Set(numbers.map((number) => make(number).key)).size);
  const some = numbers.slice(-20);
  const read = await store.submitAll(some.map((number) => get(make(number).key)));
  for (const [index, result] of read.entries()) {
    const { value } = make(some[index] ?? 0);
    expect(result.kind === 'entry' && Buffer.from(value).equals(result.value ?? Buffer.of())).toBe(
      true,
    );
  }
}

type Case = readonly [what: string, heapMiB: number, make: Make];

const always: readonly Case[] = [
  ['10 bytes', 24, sized(10)],
  ['100 bytes', 28, sized(100)],
  ['a byte, with keys of 1,000', 32, (n) => ({ key: `${n}`.padEnd(1000, 'k'), value: 'v' })],
  ['99,999 bytes of Chinese', 40, sized(99_999, '漢')],
  ['1,000,000 bytes, all of them 0', 64, sized(1_000_000, 0)],
  ['8 MiB', 180, sized(8 * mebibyte)],
  ['all sizes', 56, (n) => sized(10 ** (1 + (n % 6)))(n)],
];
const inRounds: readonly Case[] = [
  ['10 bytes', 128, sized(10)],
  ['100 bytes', 96, sized(100)],
  ['100,000 bytes', 153, sized(100_000)],
  ['100,000 bytes that are no text', 64, sized(100_000, 0xff)],
  ['1,000,000 bytes', 256, sized(1_000_000)],
  ['8 MiB of Chinese', 256, sized(8 * mebibyte - 2, '漢')],
  ['8 MiB, all of them 0', 180, sized(8 * mebibyte, 0)],
];

describe.each(Array.from({ length: Math.max(1, rounds) }, (_, round) => round))(
  'in round %i',
  (round) => {
    test.each([...always, ...(rounds > 0 ? inRounds : [])])(
      'a store filled with values of %s, in heaps of %i MiB, refuses puts and goes on',
      { timeout: 120_000 },
      async (_, heapMiB, make) => {
        store = await open(folder.path, heapMiB);
        const written = await fill(make, round * 1_000_000);
        expectNoDeath();
        await expectThere(make, written);
        await untilCompacted();
        // A copy of the files, as a kill leaves them: no shutdown writes anything.
        await cp(folder.path, copy.path, { recursive: true });
        const gone = written.splice(0, Math.ceil(written.length / 2));
        const deleted = await store.submitAll(gone.map((number) => remove(make(number).key)));
        expect(new Set(deleted.map(codeOf))).toEqual(new Set(['deleted']));
        const again = await fill(make, written.at(-1)! + 1);
        expect(again.length).toBeGreaterThanOrEqual(1);
        expectNoDeath();
        await store.close();
        store = await open(folder.path, heapMiB);
        await expectThere(make, [...written, ...again]);
        await store.close();
        store = await open(copy.path, heapMiB);
        await expectThere(make, [...gone, ...written]);
        expectNoDeath();
      },
    );
  },
);

test('values that are put again and again, and grow, leave a full store that serves', async () => {
  store = await open(folder.path, 64);
  const results: Result[] = [];
  for (let bytes = 1000; bytes < 400_000; bytes *= 2) {
    const puts = Array.from({ length: 600 }, (_, n) => put(`k${n}`, 'x'.repeat(bytes + n)));
    results.push(...(await store.submitAll(puts)));
  }
  expect(new Set(results.map(codeOf))).toEqual(new Set(['written', 'SHARD_FULL']));
  expectNoDeath();
  const reads = await store.submitAll(Array.from({ length: 600 }, (_, n) => get(`k${n}`)));
  expect(new Set(reads.map(codeOf))).toEqual(new Set(['entry']));
});

test('a store whose heaps were made smaller does not start, and says which setting to raise', async () => {
  store = await open(folder.path, 96);
  const make = sized(100_000);
  const written = await fill(make);
  await store.close();
  await expect(open(folder.path, 32)).rejects.toMatchObject({
    code: 'STORE_MISMATCH',
    message: expect.stringContaining('shardHeapMiB') as string,
  });
  store = await open(folder.path, 128);
  await expectThere(make, written);
  expect((await fill(make, 1_000_000)).length).toBeGreaterThan(100);
});
