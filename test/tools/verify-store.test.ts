// Verifies good and damaged stores. Checks the report, and that no file changes.
import { beforeEach, describe, expect, test } from 'vitest';
import { verifyStore } from '../../src/tools/verify-store.ts';
import {
  leaveTransaction,
  leftTransactions,
  transaction,
  type LeftTransaction,
} from '../support/disk/left-transactions.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { readJournal } from '../support/disk/shard-files.ts';
import { ShardedFiles } from '../support/disk/sharded-files.ts';

const layout = 'layout-000001';
const pathOf = (file: string): string => `/data/${layout}/${file}`;
const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');

let files: MemoryFileSystem;

/** Two shards, each with a snapshot, the files that it was made from, and a journal after it. */
beforeEach(() => {
  files = new MemoryFileSystem();
  const store = new ShardedFiles(files, '/data', 2);
  store.start();
  store.write(letters.map((letter) => [letter, letter]));
  store.compact(0);
  store.compact(1);
  store.write(letters.map((letter) => [letter, `${letter}2`]));
  store.write(letters.map((letter) => [letter, `${letter}3`]));
  store.stop();
});

function verify(): { lines: string[]; damaged: number; first: string | undefined } {
  const before = files.contents();
  const open = files.openFiles;
  const lines: string[] = [];
  const { damaged, first } = verifyStore({
    fileSystem: files,
    dataDir: '/data',
    report: (verdict, text) => lines.push(`${verdict}: ${text}`),
  });
  expect(files.contents()).toEqual(before);
  expect(files.openFiles).toBe(open);
  return { lines, damaged, first };
}

function change(file: string, damage: (text: string) => string): void {
  files.put(pathOf(file), Buffer.from(damage(files.read(pathOf(file)).toString())));
}

test('a good store has no findings', () => {
  expect(verify()).toEqual({ lines: [], damaged: 0, first: undefined });
});

describe('damage', () => {
  test('is reported of a manifest that is another sealed file', () => {
    files.put('/data/manifest.json', files.read(pathOf('shard-0000/current.json')));
    const { lines, damaged } = verify();
    expect(damaged).toBe(1);
    expect(lines[0]).toBe('damaged: manifest.json: it is another file, of format holdfast-current');
  });

  test('of several shards and files is reported for each, with line, offset and seq', () => {
    change('shard-0000/journal-000002.ndjson', (text) => text.replace(/(?<="value":"\w)2/, '9'));
    change('shard-0001/snapshot-000001.json', (text) => text.replace('"value":"', '"value":"x'));
    files.remove(pathOf('shard-0001/journal-000002.ndjson'));
    const { lines, damaged, first } = verify();
    expect(damaged).toBe(3);
    expect(lines.filter((line) => line.startsWith('damaged: '))).toEqual([
      expect.stringMatching(
        /^damaged: layout-000001\/shard-0000\/journal-000002\.ndjson, line 2, offset \d+, seq \d+: the line does not match its checksum/,
      ),
      expect.stringMatching(/shard-0001\/snapshot-000001\.json, line 2, offset \d+: the line/),
      'damaged: layout-000001/shard-0001/journal-000002.ndjson: the file is missing',
    ]);
    expect(`damaged: ${first}`).toBe(lines[0]);
  });

  test('of two lines of one file is reported for both', () => {
    change('shard-0000/journal-000002.ndjson', (text) =>
      text.replace(/(?<="value":"\w)2/, '9').replace(/(?<="value":"\w)3/, '9'),
    );
    expect(verify().damaged).toBe(2);
  });

  test.each([
    'manifest.json',
    `${layout}/shard-0001`,
    `${layout}/shard-0000/current.json`,
    `${layout}/shard-0000/snapshot-000001.json`,
    `${layout}/shard-0001/journal-000002.ndjson`,
  ])('is %s missing', (name) => {
    const path = `/data/${name}`;
    if (name.endsWith('shard-0001')) files.removeFolder(path);
    else files.remove(path);
    const { lines, damaged } = verify();
    expect(damaged).toBe(1);
    expect(lines[0]).toMatch(`damaged: ${name}: the f`);
    expect(lines[0]).toContain('missing');
  });

  test("is another shard's file", () => {
    files.put(
      pathOf('shard-0000/journal-000002.ndjson'),
      files.read(pathOf('shard-0001/journal-000002.ndjson')),
    );
    const { lines, damaged } = verify();
    expect(damaged).toBe(1);
    expect(lines[0]).toMatch(/shard-0000\/journal-000002\.ndjson.*belongs to shard 1/);
  });
});

describe('no damage', () => {
  test('is the torn tail of a crash: a start cuts it off', () => {
    const crashed = new ShardedFiles(files, '/data', 2);
    crashed.start();
    crashed.write([['a', 'new']]);
    const shard = crashed.shardOf('a');
    const path = pathOf(`shard-000${shard}/journal-000002.ndjson`);
    files.put(path, readJournal(files, path).subarray(0, -5));
    const { lines, damaged } = verify();
    expect(damaged).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(
        /^torn tail: .*journal-000002\.ndjson, offset \d+: .*a start cuts it off$/,
      ),
    ]);
  });

  test('is a damaged file that the last compaction replaced, which is reported as spare', () => {
    change('shard-0000/journal-000001.ndjson', (text) => text.replace('"value":"', '"value":"x'));
    files.remove(pathOf('shard-0001/journal-000001.ndjson'));
    const { lines, damaged } = verify();
    expect(damaged).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(/^spare: .*shard-0000\/journal-000001\.ndjson, line 2, offset/),
      expect.stringMatching(
        /^spare: .*shard-0001\/journal-000001\.ndjson: the file is missing; a start/,
      ),
    ]);
  });

  test('is a shard folder or layout that the manifest does not count', () => {
    files.makeFolder('/data/layout-000002');
    files.makeFolder(pathOf('shard-0002'));
    expect(verify().lines).toEqual([
      'unused: layout-000001/shard-0002: the store has 2 shards',
      'unused: layout-000002: the live layout is layout-000001',
    ]);
  });
});

function verifyLeft(leave: LeftTransaction['leave'], damage?: () => void): string[] {
  files = leaveTransaction({ leave }, '/data').fileSystem;
  damage?.();
  return verify().lines;
}

describe('a transaction that a crash has cut short', () => {
  test.each(leftTransactions)(
    'is no damage, and is reported for each shard that has it in doubt: $state',
    ({ leave, isCommitted, inDoubtIn }) => {
      const outcome = isCommitted ? 'committed' : 'aborted';
      const told = inDoubtIn.map((shard) =>
        expect.stringMatching(`^in-doubt: .*/shard-000${shard}: .* the-one is ${outcome}, `),
      );
      const lines = verifyLeft(leave);
      expect(lines).toEqual(told);
      expect(verify().damaged).toBe(0);
    },
  );

  test('is reported with the reason for its outcome', () => {
    const [whole, half, recorded] = leftTransactions.map(({ leave }) => verifyLeft(leave).join());
    expect(whole).toContain(
      'committed, since all participants have prepared it; a crash may leave this',
    );
    expect(half).toContain('aborted, since shard 1 has not prepared it; ');
    expect(recorded).toContain('committed, as shard 0 has recorded; ');
  });

  test('has the outcome that any shard has recorded, though one participant has no trace of it', () => {
    const lines = verifyLeft((store) => {
      store.prepare(transaction, [
        ['a', '2'],
        ['b', '2'],
        ['c', '2'],
      ]);
      store.resolve(transaction, true, [1, 2]);
      store.forget(transaction, [1]);
      store.compact(1);
    });
    expect(lines).toEqual([expect.stringMatching(/shard-0000: .*is committed, as shard 2 has/)]);
  });

  test('is reported without an outcome while another participant is damaged', () => {
    const lines = verifyLeft(
      (store) =>
        store.prepare(
          transaction,
          ['b', 'c'].map((key) => [key, '2'] as const),
        ),
      () => files.remove(pathOf('shard-0001/current.json')),
    );
    expect(lines).toEqual([
      expect.stringMatching(/^damaged: .*current.json: the file is missing/),
      expect.stringMatching(/^in-doubt: .*not to be resolved while shard 1 is damaged; /),
    ]);
  });
});

describe('a folder without a store', () => {
  test.each(['/nowhere', '/empty'])('as %s is said to be none', (dataDir) => {
    files.makeFolder('/empty');
    const work = (): unknown =>
      verifyStore({ fileSystem: files, dataDir, report: () => undefined });
    expect(work).toThrow(expect.objectContaining({ code: 'STORE_INACCESSIBLE' }));
  });
});
