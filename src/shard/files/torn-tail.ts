// Cuts off the torn tail of a journal after a crash. Keeps the bytes in a separate file for the
// operator. recovery.ts finds the end of the valid part. Knows no line.
import { cutTailName, cutTailOrder, journalName } from '../../storage/file-names.ts';
import { writeFully, type FileSystem, type OpenFile } from '../../storage/file-system.ts';
import type { TornTail } from '../../protocol/shard-task.ts';
import type { ShardPlace } from '../shard-place.ts';

/** Number of cut tails that a shard keeps. */
const keptTailsMax = 16;

export function cutTornTail(place: ShardPlace, { generation, bytes }: TornTail): void {
  const { fileSystem, folder } = place;
  const file = fileSystem.open(`${folder}/${journalName(generation)}`);
  try {
    keepTail(fileSystem, file, bytes, `${folder}/${cutTailName(generation, bytes)}`);
    file.truncate(bytes);
    file.sync();
  } finally {
    file.close();
  }
  removeOldTails(place);
}

/**
 * Copies the torn tail if possible. Ignores a failure, because a store must start on a full disk, too.
 */
function keepTail(fileSystem: FileSystem, journal: OpenFile, from: number, path: string): void {
  try {
    if (fileSystem.exists(path)) fileSystem.remove(path);
    const copy = fileSystem.create(path);
    try {
      copyFrom(journal, from, copy);
      copy.sync();
    } finally {
      copy.close();
    }
  } catch {
    if (fileSystem.exists(path)) fileSystem.remove(path);
  }
}

function copyFrom(source: OpenFile, from: number, target: OpenFile): void {
  const piece = Buffer.allocUnsafe(1024 * 1024);
  let copied = 0;
  for (;;) {
    const count = source.read(piece, from + copied);
    if (count === 0) return;
    writeFully(target, piece.subarray(0, count), copied);
    copied += count;
  }
}

function removeOldTails({ fileSystem, folder }: ShardPlace): void {
  const tails = fileSystem.list(folder).flatMap((name) => {
    const order = cutTailOrder(name);
    return order === undefined ? [] : [{ name, order }];
  });
  tails.sort(({ order: a }, { order: b }) => b[0] - a[0] || b[1] - a[1]);
  for (const { name } of tails.slice(keptTailsMax)) fileSystem.remove(`${folder}/${name}`);
}
