import { describe, expect, test } from 'vitest';
import { encodeFence } from '../../src/locks/fence.ts';
import { entryOfFence, entryOfLock } from '../../src/locks/lock-names.ts';
import type { EntryName } from '../../src/store/operation.ts';
import type { Finding } from '../../src/tools/finding.ts';
import { withRaisedFences } from '../../src/tools/raised-fences.ts';
import { repairStore } from '../../src/tools/repair-store.ts';
import { restoreBackup } from '../../src/tools/restore.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import {
  backupOf,
  contentsOfFolder,
  dataDir,
  ShardedFolder,
} from '../support/disk/sharded-folder.ts';
import { SimulatedEngine } from '../support/simulated/simulated-engine.ts';
import { taking } from '../../src/locks/lock-rules.ts';

const wallMs = 1_764_000_000_000;
const atWall = wallMs * 2 ** 10;
const jump = 2 ** 40;

interface Written extends EntryName {
  readonly value: string | Buffer;
  readonly expiresAt?: number;
}

const lastFence = (namespace: string, fence: number): Written => ({
  ...entryOfFence(namespace),
  value: encodeFence(fence),
});

/** Everything that looks like the entry of a last fence, or is near it. */
const others: readonly Written[] = [
  { ...entryOfLock({ namespace: 'app', name: 'job' }), value: '{"fence":7}', expiresAt: 9e15 },
  { ...entryOfLock({ namespace: 'app', name: '{}' }), value: '7' },
  { ...entryOfFence('app'), namespace: 'app', value: '7' },
  { ...entryOfFence('app'), namespace: '~kept.app', value: '7' },
  { ...entryOfFence('app'), namespace: '~locks.other', value: '7' },
  { namespace: 'default', key: 'binary', value: Buffer.from([0xff, 0, 0x80]) },
];

/** Restores a backup of these entries, at `wallMs`. */
function restored(entries: readonly Written[], shards = 2) {
  const source = new MemoryFileSystem();
  const folder = new ShardedFolder(source, 3);
  for (const entry of entries)
    folder.write({ op: 'put', ...entry, value: Buffer.from(entry.value) });
  const files = new MemoryFileSystem();
  files.makeFolder(dataDir);
  files.put('/backup', backupOf(source, folder.cut()));
  const backup = { file: files.openReadOnly('/backup'), name: '/backup' };
  restoreBackup(backup, { fileSystem: files, dataDir, store: 'new', shards, now: wallMs });
  backup.file.close();
  return { source, files };
}

function valueIn(files: MemoryFileSystem, { namespace, key }: EntryName): string | undefined {
  const line = contentsOfFolder(files).find((each) => each.startsWith(`${namespace} ${key} `));
  return line && Buffer.from(line.split(' ').at(-1) ?? '', 'base64').toString();
}

describe('the last fence of a restored store', () => {
  test.each([
    ['2^40 above that of the backup', atWall, atWall + jump],
    [
      '2^40 above that of the backup, also of one that was restored',
      atWall + jump,
      atWall + 2 * jump,
    ],
    ['2^40 above that of the backup, as soon as that is above the clock', atWall - jump, atWall],
    ['the wall clock above that of an old backup', atWall - jump - 1, atWall],
    ['the wall clock above that of a very old backup', 1, atWall],
  ])('makes the next one %s', async (_, fence, expected) => {
    const { files } = restored([lastFence('app', fence)]);
    expect(valueIn(files, entryOfFence('app'))).toBe(String(expected - 1));
    const { store, ...engine } = await opened(files);
    const lock = { namespace: 'app', name: 'job' };
    const { names, plan } = taking(lock, { ttlMs: 1, userId: 'ann', mayTake: () => true });
    const taken = await engine.until(store.transact(names, plan));
    expect(taken).toMatchObject({ kind: 'committed', output: { fence: expected } });
  });

  test('is raised in each namespace by itself', () => {
    const fences = [
      lastFence('app', atWall + 5),
      lastFence('default', 3),
      lastFence('t.1', atWall),
    ];
    const { files } = restored([...others, ...fences]);
    const found = ['app', 'default', 't.1'].map((each) => valueIn(files, entryOfFence(each)));
    expect(found).toEqual([atWall + 5 + jump, atWall, atWall + jump].map((next) => `${next - 1}`));
  });
});

async function opened(files: MemoryFileSystem) {
  const engine = await SimulatedEngine.open(files, { fsync: 'always' });
  return { store: engine.store, until: engine.until.bind(engine) };
}

function isFenceOfApp(line: string): boolean {
  const { namespace, key } = entryOfFence('app');
  return line.startsWith(`${namespace} ${key} `);
}

test('all other entries are restored as they were, with their versions and deadlines', () => {
  for (const shards of [1, 2, 5]) {
    const { source, files } = restored([...others, lastFence('app', atWall)], shards);
    const [before, after] = [source, files].map((each) => contentsOfFolder(each));
    const othersIn = (lines: readonly string[] = []): string[] =>
      lines.filter((line) => !isFenceOfApp(line));
    expect(othersIn(after)).toEqual(othersIn(before));
    // The fence has kept its version, too.
    const versionIn = (lines: readonly string[] = []): string | undefined =>
      lines.find(isFenceOfApp)?.split(' ')[2];
    expect(versionIn(after)).toBe(versionIn(before));
  }
});

test('a repair raises the last fences, and keeps all other entries as they were', () => {
  const files = new MemoryFileSystem();
  const folder = new ShardedFolder(files, 3);
  for (const entry of [...others, lastFence('app', atWall)]) {
    folder.write({ op: 'put', ...entry, value: Buffer.from(entry.value) });
  }
  files.makeFolder('/new');
  const findings: Finding[] = [];
  const report = (finding: Finding): void => void findings.push(finding);
  repairStore({ fileSystem: files, dataDir, newDir: '/new', now: wallMs, report });
  expect(findings).toEqual([]);
  const [before = [], after = []] = [dataDir, '/new'].map((path) => contentsOfFolder(files, path));
  const raised = Buffer.from(String(atWall + jump - 1)).toString('base64');
  expect(after.filter(isFenceOfApp)).toEqual([expect.stringMatching(` ${raised}$`)]);
  expect(after.filter((line) => !isFenceOfApp(line))).toEqual(
    before.filter((line) => !isFenceOfApp(line)),
  );
});

test('an entry that is no fence is handed on as the same object', () => {
  const entries = others.map(({ namespace, key }) => ({
    namespace,
    key,
    version: 1,
    record: { key, value: 'x' },
  }));
  const handedOn = [...withRaisedFences(entries, wallMs)];
  expect(handedOn.every((entry, index) => entry === entries[index])).toBe(true);
  expect(handedOn).toHaveLength(entries.length);
});
