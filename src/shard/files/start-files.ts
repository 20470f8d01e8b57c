// Makes a recovered shard's files ready to serve. Before this, recovery has changed no file.
// ARCHITECTURE.md has the steps by number. Knows no entry.
import type { FsyncMode } from '../../base/fsync-mode.ts';
import { seqJumpUnsynced } from '../../base/limits.ts';
import { journalName } from '../../storage/file-names.ts';
import { writeFully } from '../../storage/file-system.ts';
import { JournalWriter } from '../../storage/journal-writer.ts';
import { Reserve } from '../../storage/reserve.ts';
import type { Recovered } from '../recovery/recovery.ts';
import type { ShardPlace } from '../shard-place.ts';
import { ShardFiles } from './shard-files.ts';
import { removeLeftovers, syncLiveFiles } from './live-files.ts';
import { cutTornTail } from './torn-tail.ts';

export interface StartOptions {
  readonly fsync: FsyncMode;
  /** The timestamp for headers and marks, Unix milliseconds. */
  readonly at: number;
  readonly reserveBytes: number;
}

/** Makes everything that the shard will serve durable, so that a crash cannot take it back. */
export function startFiles(
  place: ShardPlace,
  recovered: Recovered,
  { fsync, at, reserveBytes }: StartOptions,
): ShardFiles {
  for (const torn of recovered.torn) cutTornTail(place, torn);
  removeLeftovers(place, recovered.current);
  secureFiles(place, recovered);
  const files = takeOver(place, recovered, fsync, at, reserveBytes);
  const { openJournal, mayHaveLostEnd } = recovered;
  const isResumed = files.writer.header === openJournal.header;
  if (isResumed && (files.writer.header.fsync !== fsync || mayHaveLostEnd)) {
    files.rotateJournal({ seq: seqAfter(recovered), fsync, at });
  }
  if (fsync !== 'always') files.noteThatEndMayBeLost(at);
  files.reserve.replenish();
  return files;
}

/** Makes entries durable before the shard serves them, and before an outcome relies on them. */
export function secureFiles(place: ShardPlace, recovered: Recovered): void {
  rewriteUnmarked(place, recovered);
  syncLiveFiles(place, recovered.current);
}

function seqAfter({ openJournal, mayHaveLostEnd }: Recovered): number {
  return openJournal.end.seq + (mayHaveLostEnd ? seqJumpUnsynced : 0);
}

/**
 * After a failed sync the system may report dropped bytes as clean, and another sync would not
 * write them. So this writes all bytes that no mark vouches for again, before the sync.
 */
function rewriteUnmarked({ fileSystem, folder }: ShardPlace, { openJournal }: Recovered): void {
  const { generation, bytes } = openJournal.end;
  if (openJournal.durableBytes >= bytes) return;
  const file = fileSystem.open(`${folder}/${journalName(generation)}`);
  try {
    const piece = Buffer.allocUnsafe(Math.min(1024 * 1024, bytes - openJournal.durableBytes));
    for (let at = openJournal.durableBytes; at < bytes;) {
      const count = file.read(piece.subarray(0, Math.min(piece.length, bytes - at)), at);
      if (count === 0) return;
      writeFully(file, piece.subarray(0, count), at);
      at += count;
    }
  } finally {
    file.close();
  }
}

/** Continues in the open journal, or makes the header of a journal that a crash left without one. */
function takeOver(
  place: ShardPlace,
  recovered: Recovered,
  fsync: FsyncMode,
  at: number,
  reserveBytes: number,
): ShardFiles {
  const { identity, fileSystem, folder } = place;
  const { current, openJournal } = recovered;
  const reserve = new Reserve(fileSystem, folder, reserveBytes);
  const generation = current.journals.at(-1)?.generation ?? openJournal.end.generation;
  const file = fileSystem.open(`${folder}/${journalName(generation)}`);
  const isOpenJournal = generation === openJournal.end.generation;
  const used = isOpenJournal ? openJournal.end.bytes : 0;
  // The bytes after `used` are blanks. Truncate and sync now: the next journal's header states this
  // end, maybe before another sync of this file.
  if (file.size() > used) {
    file.truncate(used);
    file.sync();
  }
  if (isOpenJournal && openJournal.header !== undefined) {
    const { bytes, crc, seq } = openJournal.end;
    const writer = JournalWriter.resume(file, openJournal.header, { bytes, crc, nextSeq: seq });
    return new ShardFiles(place, { current, sealed: recovered.sealed, writer, reserve });
  }
  const previous = isOpenJournal ? null : openJournal.end;
  const sealed = previous === null ? recovered.sealed : [...recovered.sealed, previous];
  const seq = seqAfter(recovered);
  const writer = JournalWriter.begin(file, { ...identity, generation, seq, fsync, at, previous });
  return new ShardFiles(place, { current, sealed, writer, reserve });
}
