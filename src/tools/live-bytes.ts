// Counts the live bytes of a shard, so that long work can show its progress. Proves nothing.
import type { ShardPlace } from '../shard/shard-place.ts';
import { readCurrent } from '../storage/current.ts';
import { currentName, journalName } from '../storage/file-names.ts';
import { sizeOfFile } from '../storage/file-system.ts';

/**
 * Bytes of the live snapshot and of the live journals.
 *
 * @throws StoreError if current.json is not valid
 */
export function liveBytes({ fileSystem, folder, name, identity }: ShardPlace): number {
  const current = readCurrent(fileSystem, folder, `${name}/${currentName}`, identity);
  const journals = current.journals.map(({ generation }) => {
    const path = `${folder}/${journalName(generation)}`;
    return fileSystem.exists(path) ? sizeOfFile(fileSystem, path) : 0;
  });
  return journals.reduce((sum, bytes) => sum + bytes, current.snapshot?.bytes ?? 0);
}
