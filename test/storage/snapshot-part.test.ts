import { describe, expect, test } from 'vitest';
import type { SnapshotReference } from '../../src/storage/current.ts';
import { encodeEntry, type EntryRecord } from '../../src/storage/record.ts';
import { readSnapshotFooter } from '../../src/storage/snapshot-footer.ts';
import { openSnapshot, SnapshotPart } from '../../src/storage/snapshot-part.ts';
import { SnapshotWriter } from '../../src/storage/snapshot-writer.ts';
import { meteredFile } from '../../src/tools/metered-file-system.ts';
import { bitFlips } from '../support/disk/file-damage.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

const identity = { store: '00000000-0000-4000-8000-000000000000', shard: 0 };

type Given = Readonly<Record<string, readonly EntryRecord[]>>;

interface Written {
  readonly files: MemoryFileSystem;
  readonly bytes: Buffer;
  readonly reference: SnapshotReference;
}

/** @param given entries in order, by namespaces in order */
function write(given: Given): Written {
  const files = new MemoryFileSystem();
  const file = files.create('/s');
  const writer = new SnapshotWriter(file, { ...identity, generation: 1 });
  for (const [namespace, entries] of Object.entries(given)) {
    for (const record of entries) writer.add(namespace, encodeEntry(record, record.version));
  }
  const reference = writer.finish(1000, 5);
  file.close();
  return { files, bytes: files.read('/s'), reference };
}

function read({ files, reference }: Written, namespace: string): EntryRecord[] {
  const part = new SnapshotPart(files.openReadOnly('/s'), 's', reference, namespace);
  expect(part.footer).toMatchObject({ seq: 1000, at: 5 });
  return [...part.blocks()].flatMap((block) => [...block.entries]);
}

/** The same snapshot with other bytes. */
function changed(written: Written, bytes: Buffer): Written {
  const files = new MemoryFileSystem();
  files.put('/s', bytes);
  return { ...written, files };
}

const entriesOf = (count: number, bytes: number): EntryRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `key ${String(index).padStart(6, '0')}`,
    version: index + 1,
    value: 'é'.repeat(bytes / 2),
  }));

const small: Given = {
  a: [{ key: 'x', version: 1, value: 'of a' }],
  app: [
    { key: 'x', version: 2, value: 'of app' },
    { key: 'ü', version: 3, valueBase64: '/wA=', expiresAt: 9e15 },
  ],
  b: [{ key: 'x', version: 4, value: 'of b' }],
};

describe('one namespace of a snapshot', () => {
  test('gives its entries, wherever it is in the file', () => {
    const written = write(small);
    for (const [namespace, entries] of Object.entries(small)) {
      expect(read(written, namespace)).toEqual(entries);
    }
  });

  test.each(['', 'aa', 'c', '~access'])('%j, which the snapshot lacks, is empty', (namespace) => {
    expect(read(write(small), namespace)).toEqual([]);
    expect(read(write({}), namespace)).toEqual([]);
  });

  test('gives its entries from as many blocks as it has, in order', () => {
    const [many, after] = [entriesOf(3000, 100), entriesOf(2000, 90)];
    const written = write({ a: small['a'] ?? [], many, zone: after });
    expect(read(written, 'many')).toEqual(many);
    expect(read(written, 'zone')).toEqual(after);
  });

  test.each(['aa', 'zz'])('%s beside a huge one is read without reading the huge one', (tiny) => {
    const entry = { key: 'x', version: 1, value: 'tiny' };
    const huge = { huge: entriesOf(20_000, 400) };
    const written = write(
      tiny < 'huge' ? { [tiny]: [entry], ...huge } : { ...huge, [tiny]: [entry] },
    );
    expect(written.reference.bytes).toBeGreaterThan(8_000_000);
    let bytesRead = 0;
    const file = meteredFile(written.files.openReadOnly('/s'), (bytes) => (bytesRead += bytes));
    const part = new SnapshotPart(file, 's', written.reference, tiny);
    expect([...part.blocks()]).toMatchObject([{ namespace: tiny, entries: [entry] }]);
    expect(bytesRead).toBeLessThan(5000);
  });

  test('is found behind a footer that is longer than the first piece read', () => {
    const names = Array.from({ length: 3000 }, (_, index) => `n${String(index).padStart(5, '0')}`);
    const given = Object.fromEntries(
      names.map((name, index) => [name, [{ key: 'k', version: index + 1, value: name }]]),
    );
    const written = write(given);
    const { footer } = readSnapshotFooter(written.files.openReadOnly('/s'), 's', written.reference);
    expect(footer.namespaces).toHaveLength(3000);
    expect(read(written, 'n01234')).toEqual(given['n01234']);
  });

  test('with any bit flipped, in its entries or in the footer, is refused', () => {
    const written = write(small);
    const { namespaces } = readSnapshotFooter(
      written.files.openReadOnly('/s'), 's', written.reference,
    ).footer; // prettier-ignore
    const [, { offset: start } = { offset: 0 }, { offset: end } = { offset: 0 }] = namespaces;
    const footerAt = written.bytes.lastIndexOf('\n],"footer":') + 1;
    let flips = 0;
    for (const [what, flipped] of bitFlips(written.bytes)) {
      const at = Number(/byte (\d+)/.exec(what)?.[1]);
      const isRead = (at >= start && at < end) || at >= footerAt;
      if (!isRead) continue;
      flips += 1;
      expect(() => read(changed(written, flipped), 'app')).toThrow(/^s(, offset \d+)?: .*; no/);
    }
    expect(flips).toBeGreaterThan(2000);
  });

  test('cut anywhere, or with bytes behind it, is refused', () => {
    const written = write(small);
    for (let length = 0; length < written.bytes.length; length++) {
      const cut = changed(written, written.bytes.subarray(0, length));
      expect(() => read(cut, 'app')).toThrow(/not the file that current.json names/);
    }
    const longer = changed(written, Buffer.concat([written.bytes, Buffer.from('\n')]));
    expect(() => read(longer, 'app')).toThrow(/not the file that current.json names/);
  });

  test('with its blocks swapped, or with those of another namespace, is refused', () => {
    const written = write({ app: entriesOf(3000, 100), bee: entriesOf(3000, 100) });
    const lines = written.bytes.toString().split(/(?<=\n)/);
    const swapped = lines.with(1, lines[2] ?? '').with(2, lines[1] ?? '');
    expect(() => read(changed(written, Buffer.from(swapped.join(''))), 'app')).toThrow(
      /does not follow the one before|does not match its checksum/,
    );
    // Blocks of equal keys and sizes: only their name tells them apart.
    const other = write({ zap: entriesOf(3000, 100), zee: entriesOf(3000, 100) });
    const blocks = other.bytes
      .toString()
      .split(/(?<=\n)/)
      .slice(1, -1);
    const exchanged = [lines[0], ...blocks, lines.at(-1)].join('');
    expect(() => read(changed(written, Buffer.from(exchanged)), 'app')).toThrow(
      /a block of another namespace is there/,
    );
  });

  test('of another snapshot of the same length is refused', () => {
    const written = write(small);
    const other = write({ ...small, b: [{ key: 'x', version: 5, value: 'of b' }] });
    expect(other.reference.bytes).toBe(written.reference.bytes);
    expect(() => read(changed(written, other.bytes), 'app')).toThrow(/not the file that current/);
  });
});

test('a snapshot is opened whole, or for one namespace', () => {
  const { files, reference } = write(small);
  const namespacesOf = (only: string | undefined) => {
    const source = openSnapshot(files.openReadOnly('/s'), 's', identity, reference, only);
    return Array.from(source.blocks(), ({ namespace }) => namespace);
  };
  expect(namespacesOf(undefined)).toEqual(['a', 'app', 'b']);
  expect(namespacesOf('app')).toEqual(['app']);
});
