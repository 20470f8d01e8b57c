import { beforeEach, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import { dumpStore } from '../../src/tools/dump-store.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { ShardedFiles } from '../support/disk/sharded-files.ts';

let files: MemoryFileSystem;
let store: ShardedFiles;

beforeEach(() => {
  files = new MemoryFileSystem();
  store = new ShardedFiles(files, '/data', 3);
  store.start();
});

function dump(now = 0): object[] {
  const text = [...dumpStore(files, '/data', now)].join('');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as object);
}

test('every entry comes once, in the order of the keys over all shards, bytes as base64', () => {
  const keys = Array.from({ length: 500 }, (_, index) =>
    byteStringOfText(`ключ ${index % 97}-${index}`),
  );
  store.write(keys.map((key) => [key, 'text']));
  store.compact(1);
  store.write([
    ['\0', '\u{ff}\0'],
    [keys[3] ?? '', undefined],
  ]);
  store.stop();
  const dumped = dump() as { key: string; version: number }[];
  expect(dumped[0]).toEqual({ key: '\0', valueBase64: '/wA=', version: expect.any(Number) });
  expect(dumped.map(({ key }) => byteStringOfText(key))).toEqual(
    ['\0', ...keys.filter((_, index) => index !== 3)].toSorted(),
  );
});

test('an entry is there with its deadline before the deadline, and not from then on', () => {
  store.put('short', 'x', { ttlMs: 1000 });
  store.put('kept', 'y', { namespace: 'other' });
  store.stop();
  const deadline = store.clock.wallMs() + 1000;
  const short = { key: 'short', value: 'x', version: 1, expiresAt: deadline };
  const kept = { namespace: 'other', key: 'kept', value: 'y', version: expect.any(Number) };
  expect(dump(deadline - 1)).toEqual([short, kept]);
  expect(dump(deadline)).toEqual([kept]);
});

test('the time of the store counts if it is ahead of the clock', () => {
  store.put('short', 'x', { ttlMs: 1000 });
  store.clock.advance(5000);
  store.put('later', 'y');
  store.stop();
  expect(dump(0)).toMatchObject([{ key: 'later' }]);
});

test('the dump of an empty store is empty', () => {
  store.stop();
  expect(dump()).toEqual([]);
});

test('the dump of a damaged store has not even a first line', () => {
  store.write([['a', '1']]);
  store.write([['b', '2']]);
  store.stop();
  files.remove('/data/layout-000001/shard-0002/current.json');
  expect(() => dumpStore(files, '/data', 0)).toThrow(
    expect.objectContaining({ code: 'STORE_DAMAGED' }),
  );
});
