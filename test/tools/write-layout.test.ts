import { describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import type { StreamedEntry } from '../../src/shard/streams/entry-stream.ts';
import { recoverShard } from '../../src/shard/recovery/recovery.ts';
import { shardFolderName } from '../../src/storage/file-names.ts';
import type { OpenFile } from '../../src/storage/file-system.ts';
import { shardOfKey } from '../../src/store/slot.ts';
import { writeLayout, type LayoutPlan } from '../../src/tools/write-layout.ts';
import { failFrom } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { doneOrWhyNot } from '../support/done-or-why-not.ts';

const store = '00000000-0000-4000-8000-000000000000';
const position = { seq: 5000, at: 1234 };

function planOf(fileSystem: MemoryFileSystem, shards: number): LayoutPlan {
  return { fileSystem, dataDir: '/data', layout: 'layout-000007', store, shards };
}

function entryOf(namespace: string, text: string, version: number): StreamedEntry {
  const record = { key: text, value: `value of ${text}` };
  return { namespace, key: byteStringOfText(text), version, record };
}

const count = 1000;
const entries: readonly StreamedEntry[] = ['default', 'other'].flatMap((namespace) =>
  Array.from({ length: count }, (_, index) => {
    const number = String(index).padStart(4, '0');
    return entryOf(namespace, index % 3 === 0 ? `{tag}${number}` : `ключ ${number}`, index + 1);
  }).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
);

function freshFolder(): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeFolder('/data');
  return files;
}

describe('a new layout', () => {
  test.each([1, 2, 3, 64])('of %i shards has every entry in the shard of its slot', (shards) => {
    const files = freshFolder();
    expect(writeLayout(planOf(files, shards), entries, () => position)).toBe(2 * count);
    let found = 0;
    for (let shard = 0; shard < shards; shard++) {
      const name = `layout-000007/${shardFolderName(shard)}`;
      const identity = { store, shard };
      const place = { fileSystem: files, folder: `/data/${name}`, name, identity };
      const { table, openJournal, at, mayHaveLostEnd } = recoverShard(place);
      expect([openJournal.end.seq, at, mayHaveLostEnd]).toEqual([position.seq, position.at, false]);
      for (const { namespace, key } of entries) {
        const isHere = shardOfKey(key, shards) === shard;
        expect(table.get(namespace, key) !== undefined).toBe(isHere);
      }
      found += table.entries;
    }
    expect(found).toBe(2 * count);
    expect(files.openFiles).toBe(0);
  });

  test('of nothing has empty shards', () => {
    const files = freshFolder();
    expect(writeLayout(planOf(files, 2), [], () => position)).toBe(0);
    expect(files.list('/data/layout-000007')).toEqual(['shard-0000', 'shard-0001']);
  });

  test('of a stream that is out of order or has a key twice is refused and removed', () => {
    for (const stream of [entries.toReversed(), entries.flatMap((entry) => [entry, entry])]) {
      const files = freshFolder();
      const write = (): unknown => writeLayout(planOf(files, 2), stream, () => position);
      expect(write).toThrow(/out of order/);
      expect(files.list('/data')).toEqual([]);
      expect(files.openFiles).toBe(0);
    }
  });

  test('is refused if an entry has a version that its shard has not yet used', () => {
    const files = freshFolder();
    const write = (): unknown =>
      writeLayout(planOf(files, 2), entries, () => ({ seq: count, at: 0 }));
    expect(write).toThrow(`version ${count}`);
    expect(files.list('/data')).toEqual([]);
  });

  test('whose files differ from the written entries is noticed and removed', () => {
    const files = freshFolder();
    const create = files.create.bind(files);
    files.create = (path) => {
      const file = create(path);
      if (!path.includes('shard-0001/snapshot')) return file;
      const write: OpenFile['write'] = (bytes, offset) =>
        file.write(Buffer.from(bytes).fill(0x20, 500, 501), offset);
      return { ...file, write };
    };
    const write = (): unknown => writeLayout(planOf(files, 2), entries, () => position);
    expect(write).toThrow(/layout-000007 does not read back.*shard-0001\/snapshot-000001.json/);
    expect(files.list('/data')).toEqual([]);
  });

  test('that meets a full disk at any write is removed', () => {
    let fatal = 0;
    for (let failed = true; failed;) {
      fatal += 1;
      const files = freshFolder();
      failFrom(files, fatal, { call: 'write', code: 'ENOSPC' });
      const outcome = doneOrWhyNot(() => writeLayout(planOf(files, 3), entries, () => position));
      failed = outcome !== 'done';
      expect([outcome, files.list('/data'), files.openFiles]).toEqual(
        failed ? ['Error: ENOSPC', [], 0] : ['done', ['layout-000007'], 0],
      );
    }
    expect(fatal).toBeGreaterThan(9);
  });
});
