import { describe, expect, test } from 'vitest';
import type { BackupHeader } from '../../src/storage/backup-format.ts';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { BackupWriter } from '../../src/storage/backup-writer.ts';
import { encodeEntry, type EntryRecord } from '../../src/storage/record.ts';
import { bitFlips } from '../support/disk/file-damage.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

const header: BackupHeader = {
  store: '00000000-0000-4000-8000-000000000000',
  shards: 3,
  seq: 1000,
  at: 1_764_000_000_000,
  createdAt: 1_764_000_000_001,
};

const small: readonly [string, EntryRecord][] = [
  ['default', { key: 'city', version: 1, value: 'Orléans' }],
  ['default', { key: 'raw', version: 999, valueBase64: '/wA=', expiresAt: 9e15 }],
  ['other', { key: 'city', version: 7, value: '' }],
];

function writeBackup(entries: readonly (readonly [string, EntryRecord])[], only?: string): Buffer {
  const writer = new BackupWriter({ ...header, namespace: only });
  const pieces: Uint8Array[] = [];
  for (const [namespace, record] of entries) {
    writer.add(namespace, encodeEntry(record, record.version));
    if (writer.pendingBytes > 1000) pieces.push(writer.take());
  }
  writer.finish();
  pieces.push(writer.take());
  expect(writer.pendingBytes).toBe(0);
  return Buffer.concat(pieces);
}

function readBackup(bytes: Uint8Array): { header: BackupHeader; entries: [string, EntryRecord][] } {
  const files = new MemoryFileSystem();
  files.put('/b', bytes);
  const reader = new BackupReader(files.openReadOnly('/b'), 'b');
  const entries: [string, EntryRecord][] = [];
  for (const block of reader.blocks()) {
    for (const record of block.entries) entries.push([block.namespace, record]);
  }
  return { header: reader.header, entries };
}

describe('a backup', () => {
  test('gives back the written entries, from as many blocks as needed', () => {
    const many = Array.from({ length: 5000 }, (_, index): [string, EntryRecord] => [
      'default',
      {
        key: `key ${String(index).padStart(5, '0')}`,
        version: (index % 998) + 1,
        value: 'é'.repeat(50),
      },
    ]);
    for (const entries of [[], small, many]) {
      expect(readBackup(writeBackup(entries))).toEqual({ header, entries });
    }
    expect(
      writeBackup(many)
        .toString()
        .match(/^\{"namespace"/gm)?.length,
    ).toBeGreaterThan(5);
  });

  test('is JSON lines', () => {
    const lines = writeBackup(small).toString().trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual([
      'format', 'namespace', 'namespace', 'entries',
    ]); // prettier-ignore
  });

  test('cut anywhere is refused, naming line and offset', () => {
    const whole = writeBackup(small);
    for (let length = 0; length < whole.length; length++) {
      expect(() => readBackup(whole.subarray(0, length))).toThrow(
        /^b, line \d, offset \d+: .*; this is not a whole backup$/,
      );
    }
  });

  test('with any bit flipped is refused', () => {
    const whole = writeBackup(small);
    for (const [, flipped] of bitFlips(whole)) {
      expect(() => readBackup(flipped)).toThrow(/^b, line \d, offset \d+: /);
    }
  });

  test('with lines swapped, lost, repeated, or from another backup is refused', () => {
    const lines = writeBackup(small).toString().trimEnd().split('\n');
    const [first = '', second = '', third = '', last = ''] = lines;
    const other = writeBackup(small.slice(1)).toString().split('\n')[1] ?? '';
    const forgeries = [
      [first, third, second, last],
      [first, third, last],
      [first, second, last],
      [first, second, third],
      [first, second, second, third, last],
      [first, second, third, last, last],
      [first, second, third, last, ''],
      [first, other, third, last],
      [second, third, last],
    ];
    for (const forged of forgeries) {
      const bytes = Buffer.from(`${forged.join('\n')}\n`);
      expect(() => readBackup(bytes)).toThrow(/line \d, offset \d+: .*not a whole backup/);
    }
  });

  test('out of order, or with a version that no shard has used, is refused', () => {
    const [first, second, third] = small as [
      (typeof small)[0],
      (typeof small)[0],
      (typeof small)[0],
    ];
    for (const entries of [
      [second, first],
      [third, first],
      [first, first],
    ]) {
      expect(() => readBackup(writeBackup(entries))).toThrow(/out of order/);
    }
    for (const version of [0, 1000]) {
      const entries: [string, EntryRecord][] = [['default', { key: 'a', version, value: '' }]];
      expect(() => readBackup(writeBackup(entries))).toThrow(/version never given/);
    }
  });

  test('of a later version is refused as such', () => {
    const writer = new BackupWriter({ ...header, store: 5 as unknown as string });
    writer.finish();
    expect(() => readBackup(writer.take())).toThrow(/another version of the program/);
  });

  test('of one namespace says so in its header', () => {
    const entries = small.slice(0, 2);
    const bytes = writeBackup(entries, 'default');
    expect(readBackup(bytes)).toEqual({ header: { ...header, namespace: 'default' }, entries });
    const none = { header: { ...header, namespace: 'gone' }, entries: [] };
    expect(readBackup(writeBackup([], 'gone'))).toEqual(none);
    const [first] = bytes.toString().split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ namespace: 'default' });
    expect(writeBackup(entries).toString().split('\n')[0]).not.toContain('namespace');
  });

  test('of one namespace that has an entry of another is refused', () => {
    expect(() => readBackup(writeBackup(small, 'default'))).toThrow(
      /^b, line 3, offset \d+: a block of another namespace is there; this is not a whole backup$/,
    );
  });

  test('of a namespace whose name is no text is refused as of another version', () => {
    const bytes = writeBackup([], 5 as unknown as string);
    expect(() => readBackup(bytes)).toThrow(/another version of the program/);
  });

  test('any other file is refused without being read', () => {
    expect(() => readBackup(Buffer.alloc(10_000_000, 'x'))).toThrow(/does not begin as a backup/);
  });

  test('an empty file is refused as such', () => {
    expect(() => readBackup(Buffer.alloc(0))).toThrow(/it is empty; this is not a whole backup/);
  });
});
