import { beforeEach, describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { dumpStore, namespacesOfStore } from '../../src/tools/dump-store.ts';
import { meteredFileSystem } from '../../src/tools/metered-file-system.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { ShardedFiles } from '../support/disk/sharded-files.ts';

let files: MemoryFileSystem;
let store: ShardedFiles;

beforeEach(() => {
  files = new MemoryFileSystem();
  store = new ShardedFiles(files, '/data', 3);
  store.start();
});

function dump(now = 0, namespace?: string): object[] {
  const text = [...dumpStore(files, '/data', now, namespace)].join('');
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

/** A huge namespace between two tiny ones, all of them in snapshots, one with later changes. */
function writeHuge(): void {
  for (const key of ['x', 'y', 'z']) {
    store.put(key, `a ${key}`, { namespace: 'a' });
    store.put(key, `z ${key}`, { namespace: 'z' });
  }
  for (let index = 0; index < 300; index++) {
    store.put(`key ${index}`, 'h'.repeat(20_000), { namespace: 'huge' });
  }
  for (const shard of [0, 1, 2]) store.compact(shard);
  store.put('later', 'a later', { namespace: 'a' });
  store.put('brief', 'x', { namespace: 'brief', ttlMs: 1 });
  store.stop();
}

function bytesReadBy(work: (metered: FileSystem) => unknown): number {
  let bytesRead = 0;
  work(meteredFileSystem(files, (bytes) => (bytesRead += bytes)));
  return bytesRead;
}

describe('the dump of one namespace', () => {
  test('is the part of the whole dump that the namespace has', () => {
    writeHuge();
    const whole = dump() as { namespace?: string }[];
    for (const [namespace, count] of Object.entries({ a: 4, huge: 300, z: 3, none: 0 })) {
      const own = whole.filter((one) => one.namespace === namespace);
      expect(own).toHaveLength(count);
      expect(dump(0, namespace)).toEqual(own);
    }
  });

  test('reads the journals, and no other namespace of the snapshots', () => {
    writeHuge();
    expect(bytesReadBy((metered) => [...dumpStore(metered, '/data', 0)])).toBeGreaterThan(
      12_000_000,
    );
    for (const namespace of ['a', 'z', 'brief', 'none']) {
      const bytes = bytesReadBy((metered) => [...dumpStore(metered, '/data', 0, namespace)]);
      expect(bytes).toBeLessThan(100_000);
    }
    expect(bytesReadBy((metered) => namespacesOfStore(metered, '/data'))).toBeLessThan(100_000);
  });

  test('of a damaged store has not even a first line, if the damage is in what it reads', () => {
    writeHuge();
    const path = '/data/layout-000001/shard-0000/snapshot-000001.json';
    const bytes = files.read(path);
    const damageAt = (offset: number): void => {
      files.put(path, Buffer.from(bytes).fill('?', offset, offset + 1));
    };
    const isDamaged = expect.objectContaining({ code: 'STORE_DAMAGED' });
    damageAt(bytes.indexOf('"namespace":"huge"') + 1000);
    expect(() => dumpStore(files, '/data', 0)).toThrow(isDamaged);
    expect(() => dumpStore(files, '/data', 0, 'huge')).toThrow(isDamaged);
    expect(dump(0, 'a')).toHaveLength(4);
    damageAt(bytes.length - 20);
    for (const namespace of ['a', 'huge', 'none']) {
      expect(() => dumpStore(files, '/data', 0, namespace)).toThrow(isDamaged);
    }
    files.put(path, bytes);
    const journal = '/data/layout-000001/shard-0000/journal-000002.ndjson';
    files.put(journal, files.read(journal).fill('?', 20, 21));
    expect(() => dumpStore(files, '/data', 0, 'a')).toThrow(isDamaged);
  });

  test('is empty for a namespace whose entries have expired, which is still named', () => {
    writeHuge();
    expect(dump(store.clock.wallMs() + 1, 'brief')).toEqual([]);
    expect(namespacesOfStore(files, '/data')).toEqual(['a', 'brief', 'huge', 'z']);
  });
});
