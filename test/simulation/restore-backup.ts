// Restores a backup with the real tool into an empty folder, and compares the entries.
import { contentsOfFolder, dataDir } from '../support/disk/sharded-folder.ts';
import { proveBackup, restoreBackup } from '../../src/tools/restore.ts';
import { isEntryOfFence } from '../../src/locks/lock-names.ts';
import { entryOfName } from './entry-names.ts';
import type { TakenBackup } from './backup-client.ts';

/**
 * @param now the wall time of the restore
 * @returns undefined if the restored store has the entries of the backup, and only its fences are raised
 */
export function misfitOfRestored(
  backup: TakenBackup,
  shards: number,
  now: number,
): string | undefined {
  const { fileSystem, path, entries } = backup;
  fileSystem.makeFolder(dataDir);
  const file = fileSystem.openReadOnly(path);
  proveBackup({ file, name: path });
  restoreBackup({ file, name: path }, { fileSystem, dataDir, store: 'restored', shards, now });
  file.close();
  const expected = [...entries].map(([name, { version, value, expiresAt }]) => {
    const { namespace, key } = entryOfName(name);
    const isFence = isEntryOfFence({ namespace, key });
    const restored = isFence ? String(raised(Number(value), now)) : value;
    const bytes = Buffer.from(restored, 'latin1').toString('base64');
    return `${namespace} ${key} ${version} ${expiresAt ?? '-'} ${bytes}`;
  });
  const restored = contentsOfFolder(fileSystem).join('\n');
  if (restored === expected.toSorted().join('\n')) return undefined;
  return `restored is\n${restored}\nof a backup of\n${expected.toSorted().join('\n')}`;
}

/** The restored store takes this for the last fence, and gives the next one. */
function raised(fence: number, now: number): number {
  return Math.max(fence + 2 ** 40, now * 2 ** 10) - 1;
}
