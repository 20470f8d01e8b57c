// Makes the first files of an empty shard: an empty journal, and current.json.
import type { ShardIdentity } from '../base/shard-location.ts';
import { writeCurrent } from './current.ts';
import { journalName } from './file-names.ts';
import { createFile, type FileSystem } from './file-system.ts';

/** Makes the folder and files of a shard without data. They are durable when it returns. */
export function createShardFolder(
  fileSystem: FileSystem,
  folder: string,
  identity: ShardIdentity,
): void {
  fileSystem.makeFolder(folder);
  createFile(fileSystem, `${folder}/${journalName(1)}`, new Uint8Array());
  const journals = [{ generation: 1 }];
  writeCurrent(fileSystem, folder, identity, {
    snapshot: null,
    journals,
    previous: null,
    mark: null,
  });
}
