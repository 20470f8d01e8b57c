// Restores a backup with the real tool into an empty folder, and compares the entries.
import { contentsOfFolder, dataDir } from '../support/disk/sharded-folder.ts';
import { proveBackup, restoreBackup } from '../../src/tools/restore.ts';
import { entryOfName } from './entry-names.ts';
import type { TakenBackup } from './backup-client.ts';

/** @returns undefined if the restored store has the entries of the backup */
export function misfitOfRestored(backup: TakenBackup, shards: number): string | undefined {
  const { fileSystem, path, entries } = backup;
  fileSystem.makeFolder(dataDir);
  const file = fileSystem.openReadOnly(path);
  proveBackup({ file, name: path });
  restoreBackup({ file, name: path }, { fileSystem, dataDir, store: 'restored', shards, now: 1 });
  file.close();
  const expected = [...entries].map(([name, { version, value, expiresAt }]) => {
    const { namespace, key } = entryOfName(name);
    const bytes = Buffer.from(value, 'latin1').toString('base64');
    return `${namespace} ${key} ${version} ${expiresAt ?? '-'} ${bytes}`;
  });
  const restored = contentsOfFolder(fileSystem).join('\n');
  if (restored === expected.toSorted().join('\n')) return undefined;
  return `restored is\n${restored}\nof a backup of\n${expected.toSorted().join('\n')}`;
}
