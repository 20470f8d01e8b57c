// Upgrades a data folder of an older format version before a server opens it, and logs the result.
import type { Logger } from 'pino';
import { formatVersion } from '../storage/format-version.ts';
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { isFolder, nodeFileSystem } from '../storage/node-file-system.ts';
import { needsUpgrade, upgradeStore } from '../tools/upgrade-store.ts';

/** @throws StoreError as `upgradeStore` does, and STORE_IN_USE */
export function upgradeFolder(dataDir: string, logger: Logger): void {
  // The start that follows says the fault of anything but a folder.
  if (!isFolder(dataDir) || !needsUpgrade(nodeFileSystem, dataDir)) return;
  const lock = acquireFolderLock(dataDir);
  try {
    const { from, entries, leftover } = upgradeStore(nodeFileSystem, dataDir);
    const facts = { from, to: formatVersion, entries };
    logger.warn(facts, 'the store is rewritten in a newer format version');
    if (leftover === undefined) return;
    logger.warn(
      { why: leftover },
      'the old files could not be removed; a later start removes them',
    );
  } finally {
    lock.release();
  }
}
