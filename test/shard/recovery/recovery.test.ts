import { beforeEach, describe, expect, test } from 'vitest';
import { seqJumpUnsynced } from '../../../src/base/limits.ts';
import { OpenedShard } from '../../../src/shard/opened-shard.ts';
import { createShardFolder } from '../../../src/storage/create-shard-folder.ts';
import { shardPlace } from '../../support/stores/bare-shard-store.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import { failEach, heal } from '../../support/disk/faults.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import {
  compactShard,
  contentsOf,
  folder,
  openShard,
  readJournal,
  startOn,
  submitEach,
} from '../../support/disk/shard-files.ts';
import { get, put, remove, textOf, versionOf } from '../../support/stores/operations.ts';

const journal = (generation: number): string => `${folder}/journal-00000${generation}.ndjson`;
const snapshot = (generation: number): string => `${folder}/snapshot-00000${generation}.json`;

let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
});

function linesOf(path: string): string[] {
  return readJournal(files, path).toString().split('\n').slice(0, -1);
}

function writeLines(path: string, lines: readonly string[]): void {
  files.put(path, Buffer.from(lines.map((line) => `${line}\n`).join('')));
}

/** Opens the shard without starting it. */
function open(fileSystem: MemoryFileSystem): OpenedShard {
  return new OpenedShard({ ...shardPlace, fileSystem, fsync: 'always', clock: new ManualClock() });
}

describe('a restart', () => {
  test.each(['always', 'interval', 'never'] as const)(
    'after a kill in %s finds every acknowledged change, byte for byte',
    async (fsync) => {
      const store = openShard(files, fsync);
      await submitEach(store, [
        put('a', '1'),
        put('é', 'ü'),
        put('b', Buffer.from([255])),
        remove('a'),
      ]);
      expect(await contentsOf(openShard(files, fsync))).toEqual(await contentsOf(store));
    },
  );

  test('goes on with the seq after the last one', async () => {
    const first = versionOf(await openShard(files).submit(put('a', '1')));
    const second = versionOf(await openShard(files).submit(put('a', '2')));
    expect(second).toBe(first + 1);
  });

  test.each(['interval', 'never'] as const)(
    'without a clean stop in %s jumps, so that no version that was seen is given again',
    async (fsync) => {
      const first = versionOf(await openShard(files, fsync).submit(put('a', '1')));
      const second = versionOf(await openShard(files, fsync).submit(put('a', '2')));
      expect(second).toBe(first + 1 + seqJumpUnsynced);
    },
  );

  test('after a power cut that took everything behind the header jumps too', async () => {
    const store = openShard(files, 'interval');
    const lost = versionOf(await store.submit(put('a', '1')));
    const cut = files.afterPowerCut(() => 0);
    const again = versionOf(await openShard(cut, 'interval').submit(put('a', '2')));
    expect(again).toBeGreaterThan(lost);
  });

  test.each(['interval', 'never'] as const)(
    'after a clean stop in %s does not jump',
    async (fsync) => {
      const store = openShard(files, fsync);
      const first = versionOf(await store.submit(put('a', '1')));
      await store.close();
      const second = versionOf(await openShard(files, fsync).submit(put('a', '2')));
      expect(second).toBe(first + 1);
    },
  );

  test('can make the recovered data durable before it changes anything, and an outcome counts on it', async () => {
    const store = openShard(files, 'always');
    await store.submit(put('makes room', '1'));
    failEach(files, { call: 'sync' });
    const change = { namespace: 'default', key: 'a', put: undefined };
    const prepared = { transaction: 't', participants: [0, 1] };
    const about = { version: 1, validUntil: Infinity, ...prepared };
    store.ask({ op: 'prepare', changes: [change], ...about });
    heal(files);
    const inDoubt = (fileSystem: MemoryFileSystem): unknown => open(fileSystem).found.inDoubt;
    const found = open(files);
    expect(inDoubt(files)).toEqual([prepared]);
    expect(inDoubt(files.afterPowerCut(() => 0))).toEqual([]);
    found.secure();
    expect(inDoubt(files.afterPowerCut(() => 0))).toEqual([prepared]);
  });

  test('in another mode goes on in a journal that says so', async () => {
    await openShard(files, 'always').submit(put('a', '1'));
    await openShard(files, 'never').submit(put('a', '2'));
    await openShard(files, 'always').submit(put('b', '3'));
    expect(JSON.parse(linesOf(journal(1))[0] ?? '')).toMatchObject({ fsync: 'always' });
    expect(JSON.parse(linesOf(journal(2))[0] ?? '')).toMatchObject({ fsync: 'never' });
    expect(JSON.parse(linesOf(journal(3))[0] ?? '')).toMatchObject({ fsync: 'always' });
    expect(textOf(await openShard(files).submit(get('a')))).toBe('2');
  });

  test('time starts no lower than it was', async () => {
    const clock = new ManualClock(2_000_000);
    await openShard(files, 'always', clock).submit(put('a', '1', { ttlMs: 1000 }));
    clock.advance(5000);
    await openShard(files, 'always', clock).submit(put('b', '1'));
    clock.jump(-1_000_000);
    const store = openShard(files, 'always', clock);
    expect(await store.submit(get('a'))).toEqual({ kind: 'missing' });
  });

  test('removes files that a crash left unfinished, and keeps files of people', async () => {
    await openShard(files).submit(put('a', '1'));
    files.put(`${folder}/snapshot-000009.json.tmp`, Buffer.from('half'));
    files.put(journal(9), Buffer.alloc(0));
    files.put(`${folder}/notes.txt`, Buffer.from('mine'));
    openShard(files);
    expect(files.list(folder)).toEqual([
      'current.json',
      'journal-000001.ndjson',
      'notes.txt',
      'reserve',
    ]);
  });
});

describe('a journal that was ended for one that holds nothing yet', () => {
  test('is vouched for: damage at its end is no torn tail', async () => {
    await submitEach(openShard(files, 'interval'), [put('a', '1'), put('b', '2')]);
    openShard(files, 'always');
    expect(files.read(journal(2))).toHaveLength(0);
    const whole = files.read(journal(1));
    files.put(journal(1), whole.subarray(0, -10));
    expect(await startOn(files)).toMatchObject({ refused: 'STORE_DAMAGED' });
    files.put(journal(1), whole);
    expect(await startOn(files)).toMatchObject({
      contents: [{}, {}].map(() => expect.any(String)),
    });
  });
});

describe('a torn tail', () => {
  const tails: [what: string, tail: Buffer][] = [
    ['half a line', Buffer.from('{"seq":3,"at":17640')],
    ['NULs', Buffer.alloc(4096)],
    ['garbage with newlines', Buffer.from('x\ny\n\n')],
    ['a whole line without its newline', Buffer.from('{}')],
  ];

  test.each(tails)('of %s is cut off, kept beside, and the store goes on', async (_, tail) => {
    await submitEach(openShard(files), [put('a', '1'), put('b', '2')]);
    const whole = readJournal(files, journal(1));
    files.put(journal(1), Buffer.concat([whole, tail]));
    const store = openShard(files);
    expect(textOf(await store.submit(get('b')))).toBe('2');
    expect(files.read(`${folder}/journal-000001.cut-at-${whole.length}`)).toEqual(tail);
    await store.submit(put('c', '3'));
    expect(await contentsOf(openShard(files))).toHaveLength(3);
  });

  test('is a line that lost its newline, though its checksum is right', async () => {
    await submitEach(openShard(files), [put('a', '1'), put('b', '2')]);
    files.put(journal(1), readJournal(files, journal(1)).subarray(0, -1));
    expect(await contentsOf(openShard(files))).toHaveLength(1);
  });
});

async function expectRefused(...words: string[]): Promise<void> {
  const before = files.contents();
  const started = await startOn(files);
  expect(started).toMatchObject({ refused: 'STORE_DAMAGED' });
  for (const word of words)
    expect(started).toHaveProperty('message', expect.stringContaining(word));
  expect(files.contents()).toEqual(before);
}

describe('damage', () => {
  beforeEach(async () => {
    const store = openShard(files);
    await submitEach(store, [put('a', '1'), put('b', '2')]);
    compactShard(files, store);
    await submitEach(store, [put('c', '3'), put('d', '4'), put('e', '5'), put('f', '6')]);
  });

  test.each([
    ['current.json', `${folder}/current.json`],
    ['the snapshot', snapshot(1)],
    ['the live journal', journal(2)],
  ])('is %s missing', async (_, path) => {
    files.remove(path);
    await expectRefused(path.slice(folder.length + 1), 'missing');
  });

  test('is a line missing from the middle of a journal', async () => {
    writeLines(journal(2), linesOf(journal(2)).toSpliced(2, 1));
    await expectRefused('journal-000002.ndjson', 'line 3', 'seq 4');
  });

  test('is a line repeated in the middle of a journal', async () => {
    const lines = linesOf(journal(2));
    writeLines(journal(2), lines.toSpliced(2, 0, lines[1] ?? ''));
    await expectRefused('journal-000002.ndjson', 'line 3');
  });

  test('is two lines swapped', async () => {
    const lines = linesOf(journal(2));
    writeLines(journal(2), [
      ...lines.slice(0, 1),
      lines[2] ?? '',
      lines[1] ?? '',
      ...lines.slice(3),
    ]);
    await expectRefused('journal-000002.ndjson', 'line 2');
  });

  test("is another shard's journal", async () => {
    const other = new MemoryFileSystem();
    const identity = { ...shardPlace.identity, shard: 1 };
    createShardFolder(other, folder, identity);
    files.put(`${folder}/current.json`, other.read(`${folder}/current.json`));
    await expectRefused('current.json', 'shard 1');
  });

  test('is a journal of another generation under this name', async () => {
    files.put(journal(2), files.read(journal(1)));
    await expectRefused('journal-000002.ndjson', 'generation 1');
  });

  test('is a snapshot of the right name but not the one that was made', async () => {
    const other = new MemoryFileSystem();
    const store = openShard(other);
    await submitEach(store, [put('a', '1'), put('x', '2')]);
    compactShard(other, store);
    files.put(snapshot(1), other.read(snapshot(1)));
    await expectRefused('snapshot-000001.json');
  });

  test('is the end of a journal that was left for one that held nothing yet at the stop', async () => {
    await openShard(files, 'never').submit(put('g', '7'));
    await openShard(files, 'always').close();
    expect(readJournal(files, journal(4))).toHaveLength(0);
    const whole = readJournal(files, journal(3));
    files.put(journal(3), whole.subarray(0, -10));
    await expectRefused('journal-000003.ndjson');
  });

  test('is a sealed journal that is shorter or longer than it was', async () => {
    const store = openShard(files);
    store.shard.beginCompaction(store.timestamp());
    const whole = readJournal(files, journal(2));
    files.put(journal(2), whole.subarray(0, -10));
    await expectRefused('journal-000002.ndjson');
    files.put(journal(2), Buffer.concat([whole, Buffer.from('more')]));
    await expectRefused('journal-000002.ndjson');
  });
});

describe('a compaction', () => {
  test('keeps all entries with versions and deadlines, and the journal after it', async () => {
    const store = openShard(files);
    await submitEach(store, [
      put('a', '1'),
      put('b', Buffer.from([0xff])),
      put('c', '3', { ttlMs: 1_000_000 }),
      remove('a'),
      { op: 'put', namespace: 'other', key: 'x', value: Buffer.from('elsewhere') },
    ]);
    compactShard(files, store);
    await submitEach(store, [put('d', '4'), remove('b')]);
    expect(await contentsOf(openShard(files))).toEqual(await contentsOf(store));
    const again = openShard(files);
    compactShard(files, again);
    const restarted = openShard(files);
    expect(await contentsOf(restarted)).toEqual(await contentsOf(store));
    const elsewhere = await restarted.submit({ op: 'get', namespace: 'other', key: 'x' });
    expect(textOf(elsewhere)).toBe('elsewhere');
  });

  test('leaves the generation before in place and removes the one before that', async () => {
    const store = openShard(files);
    for (const round of [1, 2, 3]) {
      await store.submit(put('a', `${round}`));
      compactShard(files, store);
    }
    expect(files.list(folder)).toEqual([
      'current.json',
      'journal-000003.ndjson',
      'journal-000004.ndjson',
      'reserve',
      'snapshot-000002.json',
      'snapshot-000003.json',
    ]);
  });

  test('that was never taken over changes nothing and is removed at the next start', async () => {
    const store = openShard(files);
    await store.submit(put('a', '1'));
    const input = store.shard.beginCompaction(store.timestamp());
    expect(input?.journals).toHaveLength(1);
    files.put(snapshot(1), Buffer.from('never named'));
    await store.submit(put('b', '2'));
    expect(await contentsOf(openShard(files))).toEqual(await contentsOf(store));
    expect(files.exists(snapshot(1))).toBe(false);
  });

  test('makes one JSON document that any reader of JSON takes', async () => {
    const store = openShard(files);
    const keys = Array.from({ length: 3000 }, (_, index) => `key-${index}`);
    await store.submitAll(keys.map((key) => put(key, 'v'.repeat(100))));
    compactShard(files, store);
    const document = JSON.parse(files.read(snapshot(1)).toString()) as {
      blocks: { entries: { key: string; value: string }[] }[];
      footer: { entries: number };
    };
    expect(document.blocks.length).toBeGreaterThan(1);
    expect(document.blocks.flatMap(({ entries }) => entries.map(({ key }) => key))).toEqual(
      keys.toSorted(),
    );
    expect(document.footer.entries).toBe(3000);
  });

  test('that fails leaves the old files, no half-made one and no file open, and works later', async () => {
    const store = openShard(files);
    await store.submitAll(
      Array.from({ length: 2000 }, (_, index) => put(`k${index}`, 'x'.repeat(99))),
    );
    compactShard(files, store);
    await store.submit(put('a', '1'));
    const { openFiles } = files;
    failEach(files, { call: 'write', path: /snapshot.*\.tmp$/, code: 'ENOSPC' });
    expect(() => compactShard(files, store)).toThrow('ENOSPC');
    expect(files.openFiles).toBe(openFiles);
    expect(files.list(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    heal(files);
    compactShard(files, store);
    expect(await contentsOf(openShard(files))).toEqual(await contentsOf(store));
  });

  test('of an empty shard has nothing to do', () => {
    const store = openShard(files);
    expect(store.shard.beginCompaction(store.timestamp())).toBeUndefined();
  });
});

describe('a start whose memory does not hold what the files hold', () => {
  test.each(['the journal', 'the snapshot'])(
    'refuses %s by the setting, before it has changed anything',
    async (place) => {
      const store = openShard(files);
      for (let n = 0; n < 100; n++) await store.submit(put(`k${n}`, 'x'.repeat(1000)));
      if (place === 'the snapshot') compactShard(files, store);
      const before = files.contents();
      const openIn = (workBytesMax: number): OpenedShard =>
        new OpenedShard({
          ...shardPlace,
          fileSystem: files,
          fsync: 'always',
          clock: new ManualClock(),
          memory: { keptBytesMax: 0, workBytesMax },
        });
      expect(() => openIn(100_000)).toThrow(
        expect.objectContaining({
          code: 'STORE_MISMATCH',
          message: expect.stringContaining('shardHeapMiB') as string,
        }) as Error,
      );
      expect(files.contents()).toEqual(before);
      expect(openIn(200_000).found.entries).toBe(100);
    },
  );
});
