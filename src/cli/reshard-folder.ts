// Reshards a data folder on disk under the folder's lock, and prints the result.
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import { openOfflineStore } from '../tools/offline-store.ts';
import { reshard, type ReshardReport } from '../tools/reshard.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';
import { standardError } from './standard-streams.ts';

export function reshardFolder(dataDir: string, shards: number): void {
  // Throws first if there is no store: a lock file would be left there otherwise.
  openOfflineStore(nodeFileSystem, dataDir);
  const lock = acquireFolderLock(dataDir);
  try {
    const progress = standardErrorProgress();
    const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
    const report = reshard(fileSystem, dataDir, shards, (work, bytes) =>
      progress.begin(work, bytes),
    );
    standardOutput.print(`${lineOf(dataDir, report)}\n`);
    if (report.leftover === undefined) return;
    standardError.write(
      `holdfast: the old layout could not be removed, the next start does it: ${report.leftover}\n`,
    );
  } finally {
    lock.release();
  }
}

function lineOf(dataDir: string, { from, to, entries }: ReshardReport): string {
  return entries === undefined
    ? `${dataDir} has ${to} shards already; nothing is done`
    : `${dataDir} has ${to} shards now, instead of ${from}: ${entries} entries`;
}
