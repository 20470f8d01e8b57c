// Reshards a real data folder while nobody else holds it, and says how it went.
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import { openOfflineStore } from '../tools/offline-store.ts';
import { reshard, type ReshardReport } from '../tools/reshard.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';
import { standardError } from './standard-streams.ts';

export function reshardFolder(dataDir: string, shards: number): void {
  // Where there is no store, not even a lock file is made.
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
