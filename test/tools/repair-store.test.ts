// Repairs of many kinds of damage: the kept entries, and the findings.
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { seqJumpRepaired } from '../../src/base/limits.ts';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { encodeBatchLine } from '../../src/storage/journal-format.ts';
import { readManifest } from '../../src/storage/manifest.ts';
import { encodePut } from '../../src/storage/record.ts';
import { openLine, sealLine } from '../../src/storage/sealed-line.ts';
import { isLoss, type Finding } from '../../src/tools/finding.ts';
import { repairStore } from '../../src/tools/repair-store.ts';
import { failFrom, heal, watchCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { repairFiles, shownEntries, type Repaired } from '../support/disk/repair-files.ts';
import { readEntries, ShardedFiles } from '../support/disk/sharded-files.ts';
import { doneOrWhyNot } from '../support/done-or-why-not.ts';

const shardFolder = '/old/layout-000001/shard-0000';
const journal = (generation: number): string => `${shardFolder}/journal-00000${generation}.ndjson`;
const snapshot = (generation: number): string => `${shardFolder}/snapshot-00000${generation}.json`;
const current = `${shardFolder}/current.json`;

let files: MemoryFileSystem;
let store: ShardedFiles;

function begin(shards: number, fsync?: FsyncMode): void {
  files = new MemoryFileSystem();
  store = new ShardedFiles(files, '/old', shards);
  store.start(fsync);
}

beforeEach(() => begin(1));

/** Writes each change as a batch of its own. */
function write(...changes: (readonly [key: string, value: string | undefined])[]): void {
  for (const change of changes) store.write([change]);
}

const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');

/** Makes a stopped store with so many shards, in which each letter is a key. */
function makeLetters(shards: number): void {
  begin(shards);
  write(...letters.map((letter) => [letter, letter] as const));
  store.stop();
}

const repair = (): Repaired => repairFiles(files);

function lines(path: string): string[] {
  return files
    .read(path)
    .toString('latin1')
    .split(/(?<=\n)/);
}

function putLines(path: string, changed: readonly string[]): void {
  files.put(path, Buffer.from(changed.join(''), 'latin1'));
}

function flip(path: string, needle: string): void {
  const bytes = files.read(path);
  const at = bytes.indexOf(needle);
  if (at === -1) throw new Error(`${needle} is in ${path}`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  files.put(path, bytes);
}

const kinds = (findings: readonly Finding[]): string[] => findings.map(({ finding }) => finding);
const keysListed = (findings: readonly Finding[]): string[] =>
  findings.flatMap((finding) => (finding.finding === 'key' ? [finding.key] : []));

describe('a store that is good', () => {
  test('is repaired to the same entries and versions, and nothing is found', () => {
    begin(3);
    write(['a', '1'], ['b', '2'], ['c', '3'], ['a', '4'], ['b', undefined]);
    store.compact(store.shardOf('a'));
    write(['d', '5']);
    store.stop();
    const before = shownEntries(files, '/old');
    expect(repair()).toEqual({ findings: [], kept: before, losses: 0 });
  });

  test('gets an id of its own, and versions that are far above any that was given', () => {
    write(['a', '1'], ['a', '2']);
    store.stop();
    repair();
    const [old, repaired] = ['/old', '/new'].map((folder) => readManifest(files, folder));
    expect(repaired).toEqual({ ...old, store: expect.any(String), createdAt: 7 });
    expect(repaired?.store).not.toBe(old?.store);
    const next = new ShardedFiles(files, '/new', 1);
    next.start();
    next.write([['a', '3']]);
    expect(readEntries(files, '/new').get('a')?.version).toBe(3 + seqJumpRepaired);
  });

  test('with the torn tail of a crash loses the bytes that a start cuts off, which is no loss', () => {
    write(['a', '1'], ['b', '2']);
    const whole = lines(journal(1)).slice(0, -1);
    putLines(journal(1), [...whole, '{"seq":3,"at":17']);
    const { findings, kept, losses } = repair();
    expect([kinds(findings), losses]).toEqual([['torn-tail'], 0]);
    expect(kept).toEqual({ a: '1@1', b: '2@2' });
  });
});

describe('a damaged line of a journal', () => {
  beforeEach(() => {
    write(['a', '1'], ['b', '2'], ['c', '3'], ['a', 'lost'], ['d', '5'], ['b', '6']);
    store.stop();
  });

  test('costs its changes alone; every key that may have had them gets its last value and is listed', () => {
    flip(journal(1), 'lost');
    const { findings, kept } = repair();
    expect(kept).toEqual({ a: '1@1', b: '6@6', c: '3@3', d: '5@5' });
    expect(findings).toEqual([
      expect.objectContaining({ finding: 'damage', line: 5, what: expect.any(String) }),
      {
        finding: 'lost-changes',
        shard: 0,
        file: 'layout-000001/shard-0000/journal-000001.ndjson',
        fromSeq: 4,
        toSeq: 4,
        changes: 1,
      },
      { finding: 'key', shard: 0, key: 'a', kept: 'value', version: 1, named: true },
      { finding: 'key', shard: 0, key: 'c', kept: 'value', version: 3 },
    ]);
  });

  test('that is missing altogether is known by the seq that no line has', () => {
    putLines(journal(1), lines(journal(1)).toSpliced(4, 1));
    const { findings, kept } = repair();
    expect(kept).toEqual({ a: '1@1', b: '6@6', c: '3@3', d: '5@5' });
    expect(kinds(findings)).toEqual(['damage', 'lost-changes', 'key', 'key']);
  });

  test('that alone names a key has it listed, with nothing kept', () => {
    flip(journal(1), 'd","value"');
    const { findings } = repair();
    expect(keysListed(findings)).toEqual(['a', 'c', 'e']);
    expect(findings.at(-1)).toMatchObject({
      key: 'e',
      kept: 'nothing',
      version: null,
      named: true,
    });
  });

  test.each([
    ['repeated', (all: string[]) => all.toSpliced(5, 0, all[2] ?? '')],
    ['swapped with another', (all: string[]) => all.with(2, all[4] ?? '').with(4, all[2] ?? '')],
    [
      'run together with the next',
      (all: string[]) => all.with(3, (all[3] ?? '').replace('\n', ' ')),
    ],
    ['only the mark of the stop', (all: string[]) => all.slice(0, -1)],
  ])('that is %s loses nothing', (_, damage) => {
    putLines(journal(1), damage(lines(journal(1))));
    const { findings, kept, losses } = repair();
    expect(losses).toBe(0);
    expect(kinds(findings)).toContain('damage');
    expect(kept).toEqual({ a: 'lost@4', b: '6@6', c: '3@3', d: '5@5' });
  });

  test('that is the header loses nothing', () => {
    flip(journal(1), 'always');
    expect(repair()).toMatchObject({
      losses: 0,
      kept: { a: 'lost@4', b: '6@6', c: '3@3', d: '5@5' },
    });
  });

  test('at the end, below what was synced, may have been any change to any key', () => {
    putLines(journal(1), lines(journal(1)).slice(0, -2));
    const { findings, kept } = repair();
    expect(kept).toEqual({ a: 'lost@4', b: '2@2', c: '3@3', d: '5@5' });
    expect(findings[1]).toMatchObject({ fromSeq: 6, toSeq: null, changes: null });
    expect(keysListed(findings)).toEqual(['a', 'b', 'c', 'd']);
  });
});

const long = (letter: string): string => letter.repeat(40_000);

describe('a damaged snapshot', () => {
  beforeEach(() => {
    write(['a', long('a')], ['c', long('c')], ['e', long('ee')], ['b-gone', '1']);
    store.compact(0);
    write(['a', '5'], ['c', '6'], ['b-gone', undefined], ['g', long('g')], ['i', long('i')]);
    store.compact(0);
    write(['z', '10']);
    store.stop();
  });

  test.each([
    ['is missing', () => files.remove(snapshot(2))],
    ['has a damaged block', () => flip(snapshot(2), 'gggg')],
    ['has lost its header', () => flip(snapshot(2), 'holdfast-snapshot')],
    ['has lost its footer', () => flip(snapshot(2), 'footer')],
    ['is cut short', () => files.put(snapshot(2), files.read(snapshot(2)).subarray(0, 60_000))],
    ['is another one', () => files.put(snapshot(2), files.read(snapshot(1)))],
  ])('that %s costs nothing while its sources are there', (_, damage) => {
    const before = readEntries(files, '/old');
    damage();
    const { losses, kept } = repair();
    expect(losses).toBe(0);
    expect(Object.keys(kept)).toEqual([...before.keys()]);
    expect(readEntries(files, '/new')).toEqual(before);
  });

  test('costs the keys of its damaged block if its sources are lost, too', () => {
    files.remove(snapshot(1));
    files.remove(journal(2));
    flip(snapshot(2), 'gggg');
    const { findings, kept } = repair();
    expect(Object.keys(kept)).toEqual(['a', 'c', 'e', 'z']);
    const lost = findings.filter(isLoss);
    expect(lost).toEqual([
      {
        finding: 'lost-entries',
        shard: 0,
        file: 'layout-000001/shard-0000/snapshot-000002.json',
        after: { key: 'e' },
        before: null,
        entries: 2,
      },
      { finding: 'key', shard: 0, key: 'g', kept: 'nothing', version: null, named: true },
      { finding: 'key', shard: 0, key: 'i', kept: 'nothing', version: null, named: true },
    ]);
  });

  test('brings back no key that it shows as deleted, though older files still have it', () => {
    flip(snapshot(2), 'gggg');
    files.remove(journal(2));
    const { kept } = repair();
    expect(Object.keys(kept)).toEqual(['a', 'c', 'e', 'z']);
    expect(kept['a']).toBe('5@5');
  });
});

/** Ends as a kill does, so no mark states the length of the journal. */
function killBehindSnapshot(fsync: FsyncMode): void {
  begin(1, fsync);
  write(['a', '1'], ['b', '2']);
  store.compact(0);
  write(['a', '3'], ['c', '4']);
}

describe('the lost header of the first journal behind a snapshot', () => {
  test.each([
    ['is empty', () => Buffer.alloc(0)],
    ['has only bytes of another file', () => Buffer.from('another file\n')],
    ['ends within the header', (whole: Buffer) => whole.subarray(0, 150)],
  ])('is damage, and changes may be missing, if the journal %s', (_, damage) => {
    killBehindSnapshot('always');
    files.put(journal(2), damage(files.read(journal(2))));
    const { findings, kept } = repair();
    expect(kinds(findings)).toEqual(['damage', 'unproved-end']);
    expect(kept).toEqual({ a: '1@1', b: '2@2' });
  });

  test.each(['always', 'never'] as const)('costs no line behind it in mode %s', (fsync) => {
    killBehindSnapshot(fsync);
    flip(journal(2), fsync);
    const { findings, kept, losses } = repair();
    expect([new Set(kinds(findings)), losses]).toEqual([new Set(['damage']), 0]);
    expect(kept).toEqual({ a: '3@3', b: '2@2', c: '4@4' });
  });
});

describe('a missing file that describes the others', () => {
  test('is current.json: everything is kept, and newer files are said to be perhaps missing', () => {
    write(['a', '1'], ['b', '2']);
    store.compact(0);
    write(['a', '3']);
    store.stop();
    files.remove(current);
    const { findings, kept } = repair();
    expect(kept).toEqual({ a: '3@3', b: '2@2' });
    expect(kinds(findings)).toEqual(['damage', 'unproved-end']);
  });

  test('is the manifest: the other files tell whose they are and how many shards there are', () => {
    makeLetters(3);
    files.remove('/old/manifest.json');
    const { kept, losses } = repair();
    expect(losses).toBe(0);
    expect(Object.keys(kept).toSorted()).toEqual(letters);
    expect(readManifest(files, '/new')?.shards).toBe(3);
  });

  test('is the manifest, beside a missing last shard: the slots of the keys show that one is missing', () => {
    makeLetters(3);
    files.remove('/old/manifest.json');
    files.removeFolder('/old/layout-000001/shard-0002');
    const { findings, kept } = repair();
    expect(Object.keys(kept).toSorted()).toEqual(letters.filter((one) => store.shardOf(one) < 2));
    expect(findings.filter(isLoss)).toMatchObject([
      { finding: 'lost-changes', shard: 2, fromSeq: 1 },
    ]);
    expect(readManifest(files, '/new')?.shards).toBe(3);
  });
});

describe('a repair does not use', () => {
  test("another shard's journal, and names it", () => {
    makeLetters(2);
    files.put(journal(1), files.read('/old/layout-000001/shard-0001/journal-000001.ndjson'));
    const { findings, kept } = repair();
    expect(Object.keys(kept).toSorted()).toEqual(letters.filter((one) => store.shardOf(one) === 1));
    expect(findings[0]).toMatchObject({ what: expect.stringContaining('belongs to shard 1') });
  });

  test('a line behind the end that the next journal states, though its checksum is right', () => {
    write(['a', '1']);
    store.compact(0);
    write(['b', '2']);
    store.compact(0);
    store.stop();
    // As after a failed sync: the line is on disk after all, but disowned.
    const last = lines(journal(2)).at(-1) ?? '';
    const previous = openLine(Buffer.from(last.trimEnd()))?.checksum ?? '';
    const disowned = encodeBatchLine(3, 1, 0, [encodePut('default', 'ghost', 'boo', undefined)]);
    const line = sealLine(disowned, previous).bytes;
    files.put(journal(2), Buffer.concat([files.read(journal(2)), line, Buffer.from('\n')]));
    files.remove(snapshot(2));
    expect(repair()).toMatchObject({ losses: 0, kept: { a: '1@1', b: '2@2' } });
    files.remove(current);
    files.removeFolder('/new');
    expect(repair().kept).toEqual({ a: '1@1', b: '2@2' });
  });

  test('a store that a later version wrote to: it is refused whole', () => {
    write(['a', '1'], ['b', '2']);
    store.stop();
    const all = lines(journal(1));
    const previous = openLine(Buffer.from((all[1] ?? '').trimEnd()))?.checksum ?? '';
    const later = sealLine('{"seq":2,"at":1764000000009,"d":0,"flush":"default"', previous).bytes;
    putLines(journal(1), [...all.slice(0, 2), `${later.toString()}\n`, ...all.slice(3)]);
    expect(() => repair()).toThrow(expect.objectContaining({ code: 'STORE_MISMATCH' }));
    expect(files.list('/new')).toEqual([]);
  });
});

describe('a repair that cannot be finished', () => {
  beforeEach(() => {
    write(['a', '1'], ['b', '2']);
    store.stop();
  });

  test.each(['write', 'sync', 'rename', 'create'] as const)(
    'for a failing %s leaves nothing that could be taken for a store',
    (call) => {
      let fatal = 0;
      for (let failed = true; failed;) {
        fatal += 1;
        failFrom(files, fatal, { call, path: /^\/new/, code: 'ENOSPC' });
        const before = files.openFiles;
        failed = doneOrWhyNot(() => repair()) !== 'done';
        heal(files);
        expect(files.openFiles).toBe(before);
        expect(files.list('/new')).toEqual(failed ? [] : ['layout-000001', 'manifest.json']);
      }
      expect(fatal).toBeGreaterThan(1);
    },
  );

  test('for lack of room says which disk is full, and leaves the damaged store as it is', () => {
    const before = [...files.contents()].filter(([path]) => path.startsWith('/old/'));
    failFrom(files, 3, { call: 'write', path: /^\/new/, code: 'ENOSPC' });
    expect(() => repair()).toThrow(
      expect.objectContaining({
        code: 'DISK_FULL',
        message: 'no room on disk in /new: what was written is removed, and /old is unchanged',
      }),
    );
    heal(files);
    expect(files.list('/new')).toEqual([]);
    const after = [...files.contents()].filter(([path]) => path.startsWith('/old/'));
    expect(after).toEqual(before);
  });

  test('because of a kill leaves a folder that every start refuses, and the next repair takes', () => {
    const killed: MemoryFileSystem[] = [];
    watchCalls(files, (_, path) => {
      if (path.startsWith('/new/') && files.exists('/new/manifest.json.filling.tmp')) {
        killed.push(files.copy());
      }
    });
    const { kept } = repair();
    expect(killed.length).toBeGreaterThan(5);
    const counts = { asked: undefined, byDefault: 1 };
    for (const left of killed) {
      const refusal = { code: 'STORE_MISMATCH', message: expect.stringContaining('was cut short') };
      expect(() => openDataFolder(left, '/new', counts, 0)).toThrow(
        expect.objectContaining(refusal),
      );
      const again = { fileSystem: left, dataDir: '/old', newDir: '/new', now: 0, report: ignore };
      expect(repairStore(again)).toMatchObject({ entries: 2, losses: 0 });
      expect(left.list('/new')).toEqual(['layout-000001', 'manifest.json']);
      expect(shownEntries(left, '/new')).toEqual(kept);
    }
  });
});

describe('a folder without anything to save', () => {
  test.each([
    ['is empty', () => files.makeFolder('/empty'), '/empty', /no store/],
    [
      'has no file that says whose it is',
      () => {
        for (const path of files.contents().keys()) files.put(path, Buffer.from('?'));
      },
      '/old',
      /no file says whose it is/,
    ],
  ])('because it %s is refused', (_, make, dataDir, message) => {
    store.stop();
    make();
    files.makeFolder('/new');
    const options = { fileSystem: files, dataDir, newDir: '/new', now: 0, report: ignore };
    const work = (): unknown => repairStore(options);
    expect(work).toThrow(message);
    expect(work).toThrow(StoreError);
    expect(files.list('/new')).toEqual([]);
  });
});

function ignore(): void {
  // This test looks at the error only.
}
