// Holds a data folder for an offline command. Keeps servers out meanwhile, changes nothing in the
// folder, and turns system errors into one-line errors. Knows no command.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import { holdFolderReadOnly } from '../storage/folder-lock.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import type { Progress } from '../tools/progress.ts';
import { standardErrorProgress } from './standard-error-progress.ts';

export interface OfflineFolder {
  readonly dataDir: string;
  /** Tells the progress of what is read from it. */
  readonly fileSystem: FileSystem;
  readonly progress: Progress;
}

/** @throws StoreError STORE_IN_USE while a server has the folder open, STORE_INACCESSIBLE */
export async function withOfflineFolder<T>(
  typed: string,
  work: (folder: OfflineFolder) => T | Promise<T>,
): Promise<T> {
  const dataDir = resolve(typed);
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('STORE_INACCESSIBLE', `${dataDir}: there is no such folder`);
  }
  const hold = holdFolderReadOnly(dataDir);
  try {
    const progress = standardErrorProgress();
    const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
    return await work({ dataDir, fileSystem, progress });
  } catch (error) {
    if (error instanceof StoreError || systemErrorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('STORE_INACCESSIBLE', why, {}, error);
  } finally {
    hold.release();
  }
}
