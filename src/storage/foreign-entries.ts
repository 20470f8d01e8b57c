// Owns the rule that a store is made only in a folder that is absent or empty, so that it mixes with
// no other files. Knows no content of files.
import { StoreError } from '../base/errors.ts';
import { isLayoutFolder, lockName, manifestDraftNames, manifestName } from './file-names.ts';
import type { FileSystem } from './file-system.ts';
import { unfinishedMaking, type Making } from './manifest.ts';

/**
 * Names that an empty folder may have: our lock, a folder that file systems make, and files that keep
 * an empty folder in a repository.
 */
const harmless: ReadonlySet<string> = new Set([lockName, 'lost+found', '.gitkeep', '.gitignore']);

/** @returns the first name that an empty folder may not have; undefined if there is none */
export function foreignEntry(names: readonly string[]): string | undefined {
  return names.find((name) => !harmless.has(name));
}

/**
 * For a store that takes over data. An unfinished store may be there: it is replaced.
 *
 * @throws StoreError STORE_MISMATCH if the folder has a file that the store could mix with
 */
export function refuseUnlessEmpty(fileSystem: FileSystem, dataDir: string): void {
  if (!fileSystem.exists(dataDir) || unfinishedMaking(fileSystem, dataDir) !== undefined) return;
  refuseForeign(dataDir, fileSystem.list(dataDir), 'filled');
}

/**
 * For a start, which opens the store that is there or else makes a new one. Files of a store pass:
 * `readManifest` judges them. The caller need not hold the lock. One listing decides, so a store that
 * another process is making is never taken for foreign files.
 *
 * @throws StoreError STORE_MISMATCH if the folder has no store, and files that a new one could mix with
 */
export function refuseForeignFolder(fileSystem: FileSystem, dataDir: string): void {
  if (!fileSystem.exists(dataDir) || fileSystem.exists(`${dataDir}/${manifestName}`)) return;
  const names = fileSystem.list(dataDir);
  if (!names.some(isOfStore)) refuseForeign(dataDir, names, 'new');
}

const namesOfManifest: readonly string[] = [manifestName, ...Object.values(manifestDraftNames)];

function isOfStore(name: string): boolean {
  return namesOfManifest.includes(name) || isLayoutFolder(name);
}

/** The work that needs an empty folder, by its purpose. */
const works: Readonly<Record<Making, string>> = {
  new: 'a new store is made in',
  filled: 'a backup is restored into',
};

function refuseForeign(dataDir: string, names: readonly string[], making: Making): void {
  const found = foreignEntry(names);
  if (found === undefined) return;
  throw new StoreError(
    'STORE_MISMATCH',
    `${dataDir} is not empty, it holds ${found}: ${works[making]} a folder that is absent or empty. ` +
      'Nothing has been changed.',
  );
}
