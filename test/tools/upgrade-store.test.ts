// Stores of earlier format versions: the program rewrites them, or refuses them by name and changes
// nothing.
import { beforeEach, describe, expect, test } from 'vitest';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { readCurrent, writeCurrent } from '../../src/storage/current.ts';
import { writeFully } from '../../src/storage/file-system.ts';
import { formatVersion } from '../../src/storage/format-version.ts';
import { locateShards } from '../../src/storage/locate-shards.ts';
import { readManifest } from '../../src/storage/manifest.ts';
import { encodeSealedFile } from '../../src/storage/sealed-file.ts';
import { openOfflineStore } from '../../src/tools/offline-store.ts';
import { repairStore } from '../../src/tools/repair-store.ts';
import { reshard } from '../../src/tools/reshard.ts';
import { restoreBackup } from '../../src/tools/restore.ts';
import { needsUpgrade, upgradeStore } from '../../src/tools/upgrade-store.ts';
import { verifyStore } from '../../src/tools/verify-store.ts';
import { cutAtEach, recordCalls } from '../support/disk/faults.ts';
import { copyInto, keptFormatVersions, keptStore } from '../support/disk/kept-stores.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { readEntries } from '../support/disk/sharded-files.ts';
import { ShardedFolder } from '../support/disk/sharded-folder.ts';
import { doneOrWhyNot } from '../support/done-or-why-not.ts';

const dataDir = '/data';
const counts = { asked: undefined, byDefault: 2 };

interface Listed {
  readonly key: string;
  readonly version: number;
  readonly value?: string;
  readonly valueBase64?: string;
}

/** In the form of `readEntries`. */
function listedEntries(listing: string): Map<string, { version: number; value: string }> {
  const { items } = JSON.parse(listing) as { items: readonly Listed[] };
  return new Map(
    items.map(({ key, version, value, valueBase64 }) => {
      const bytes =
        value === undefined ? Buffer.from(valueBase64 ?? '', 'base64') : Buffer.from(value);
      return [key, { version, value: bytes.toString('latin1') }];
    }),
  );
}

describe.each(keptFormatVersions)('a store of format version %i', (version) => {
  const { folder, listing, backup } = keptStore(version);
  let files: MemoryFileSystem;

  beforeEach(() => {
    files = new MemoryFileSystem();
    copyInto(files, folder, dataDir);
  });

  /** As after a crash: no mark vouches for the end of one journal. */
  function loseMark(): void {
    const manifest = readManifest(files, dataDir);
    if (manifest === undefined) throw new Error('there is a store');
    const [, place] = locateShards(dataDir, manifest);
    if (place === undefined) throw new Error('there are two shards');
    const current = readCurrent(files, place.folder, place.name, place.identity);
    writeCurrent(files, place.folder, place.identity, { ...current, mark: null });
  }

  test('is rewritten with the same entries and versions, in the present format version', () => {
    expect(needsUpgrade(files, dataDir)).toBe(true);
    expect(upgradeStore(files, dataDir)).toMatchObject({ from: version, leftover: undefined });
    expect(needsUpgrade(files, dataDir)).toBe(false);
    expect(readManifest(files, dataDir)).toMatchObject({ formatVersion, shards: 2 });
    expect(readEntries(files, dataDir)).toEqual(listedEntries(listing));
    const verdicts: string[] = [];
    verifyStore({ fileSystem: files, dataDir, report: (verdict) => verdicts.push(verdict) });
    expect(verdicts).toEqual([]);
  });

  test('uses no version again', () => {
    const highest = Math.max(...[...listedEntries(listing).values()].map((one) => one.version));
    upgradeStore(files, dataDir);
    const store = new ShardedFolder(files, 2);
    const put = { op: 'put', namespace: 'default', key: 'new', value: Buffer.from('x') } as const;
    expect(store.write(put)).toBeGreaterThan(highest);
  });

  test('is the old or the new one, whole, however the upgrade is cut short', () => {
    const calls = recordCalls(files);
    upgradeStore(files, dataDir);
    const fresh = (): MemoryFileSystem => {
      const cut = new MemoryFileSystem();
      copyInto(cut, folder, dataDir);
      return cut;
    };
    for (const [, cut] of cutAtEach(calls.length, fresh)) {
      // A failure after the last step only leaves the old files there.
      expect(doneOrWhyNot(() => upgradeStore(cut, dataDir))).toMatch(/^done$|cut/);
      const after = cut.afterPowerCut(() => 0.5);
      if (needsUpgrade(after, dataDir)) upgradeStore(after, dataDir);
      expect(readEntries(after, dataDir)).toEqual(listedEntries(listing));
    }
  });

  test('is refused by its version, and left as it is, if it was not stopped cleanly', () => {
    loseMark();
    const before = files.contents();
    expect(() => upgradeStore(files, dataDir)).toThrow(
      `shard-0001 is of format version ${version} and was not stopped cleanly`,
    );
    expect(files.contents()).toEqual(before);
  });

  test.each([
    ['a server', () => openDataFolder(files, dataDir, counts, 0)],
    ['the tools', () => openOfflineStore(files, dataDir)],
    ['verify', () => verifyStore({ fileSystem: files, dataDir, report: () => undefined })],
    ['reshard', () => reshard(files, dataDir, 3)],
    [
      'repair',
      () =>
        repairStore({
          fileSystem: files,
          dataDir,
          newDir: '/new',
          now: 0,
          report: () => undefined,
        }),
    ],
  ])('is refused by %s, by its version, before it is upgraded', (_by, open) => {
    const before = files.contents();
    expect(open).toThrow(`of format version ${version}`);
    expect(files.contents()).toEqual(before);
  });

  test('has a backup that is restored', () => {
    const restored = new MemoryFileSystem();
    restored.makeFolder('/backups');
    const file = restored.create('/backups/one');
    writeFully(file, backup, 0);
    restored.makeFolder(dataDir);
    const plan = { fileSystem: restored, dataDir, store: 'other', shards: 3, now: 0 };
    restoreBackup({ file, name: 'one' }, plan);
    expect(readEntries(restored, dataDir)).toEqual(listedEntries(listing));
  });
});

test('a store of a later format version is refused by its version, and left as it is', () => {
  const files = new MemoryFileSystem();
  files.makeFolder(dataDir);
  const later = { format: 'holdfast', formatVersion: formatVersion + 1, store: 's', shards: 1 };
  const file = files.create(`${dataDir}/manifest.json`);
  writeFully(file, encodeSealedFile(later), 0);
  const before = files.contents();
  const open = (): unknown => openDataFolder(files, dataDir, counts, 0);
  expect(open).toThrow(`version ${formatVersion + 1} is not known`);
  expect(open).toThrow(`this program reads versions 1 and ${formatVersion}`);
  expect(files.contents()).toEqual(before);
});
