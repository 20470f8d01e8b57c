// Stores and backups that earlier versions of the program have left: test/fixtures.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programFolder } from '../../../src/base/program-folder.ts';
import { writeFully, type FileSystem } from '../../../src/storage/file-system.ts';

/** The format versions with a kept store. */
export const keptFormatVersions = [1] as const;

export interface KeptStore {
  /** The folder of the store. */
  readonly folder: string;
  readonly backup: Buffer;
  /** The server's listing of the default namespace, with values. */
  readonly listing: string;
}

export function keptStore(formatVersion: number): KeptStore {
  const folder = join(programFolder, 'test', 'fixtures', `format-${formatVersion}`);
  return {
    folder: join(folder, 'store'),
    backup: readFileSync(join(folder, 'backup.ndjson')),
    listing: readFileSync(join(folder, 'listing.json'), 'utf8'),
  };
}

/** Copies a real folder into a file system, durably. */
export function copyInto(fileSystem: FileSystem, from: string, to: string): void {
  fileSystem.makeFolder(to);
  const files = readdirSync(from, { recursive: true, withFileTypes: true, encoding: 'utf8' });
  for (const entry of files.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const target = join(to, path.slice(from.length + 1));
    fileSystem.makeFolder(dirname(target));
    const file = fileSystem.create(target);
    writeFully(file, readFileSync(path), 0);
    file.sync();
    file.close();
    fileSystem.syncFolder(dirname(target));
  }
}
