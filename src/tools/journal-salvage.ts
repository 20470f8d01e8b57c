// Reads one journal of a damaged store past its damage. Finds every line that matches its own
// checksum, and the bad stretches between such lines. Does not know which lines count:
// shard-salvage.ts decides that.
import type { ShardIdentity } from '../base/shard-location.ts';
import { damaged, unreadable, type FilePosition } from '../storage/damage.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import {
  decodeJournalLine,
  type JournalHeader,
  type JournalLine,
} from '../storage/journal-format.ts';
import { JournalReader, type JournalReading } from '../storage/journal-reader.ts';
import type { Line } from '../storage/line-reader.ts';
import { openLine, parseLine } from '../storage/sealed-line.ts';
import { salvageLines, type UnprovenLine } from './salvage-lines.ts';

/** A line that matches its own checksum. */
export interface ProvableLine extends JournalLine {
  readonly offset: number;
  /** Start of the next line in the file, in bytes. */
  readonly end: number;
  /** Checksum of the line before, as stated in this line. */
  readonly previous: string;
  readonly crc: string;
}

export interface SalvagedJournal {
  readonly generation: number;
  /** Relative to the data folder. */
  readonly name: string;
  readonly header: JournalHeader | undefined;
  /** Checksum of the header. */
  readonly headerCrc: string | undefined;
  /** Offset of the first line after the header; 0 if the header is lost. */
  readonly headerEnd: number;
  /** In the order of the file. */
  readonly lines: readonly ProvableLine[];
  readonly bad: readonly UnprovenLine[];
  /** The journal as a start reads it, up to the first bad line. */
  readonly reading: JournalReading;
}

export interface JournalClaim extends ShardIdentity {
  readonly generation: number;
  readonly name: string;
  /** Valid length, if the shard has disowned the bytes behind it. The salvage does not read those. */
  readonly bytes?: number | undefined;
}

/**
 * Reads the journal.
 *
 * @returns all lines that match their own checksums, and the bad stretches
 * @throws StoreError STORE_DAMAGED if the journal is another shard's, store's or generation's;
 *   STORE_MISMATCH if a line that follows one of ours is of a later version
 */
export function salvageJournal(file: ReadableFile, claim: JournalClaim): SalvagedJournal {
  const { generation, name, bytes } = claim;
  const reading = new JournalReader(file, () => undefined).read(bytes);
  const lines: ProvableLine[] = [];
  const unknown: (FilePosition & { readonly previous: string })[] = [];
  let header: JournalHeader | undefined;
  let headerCrc: string | undefined;
  let headerEnd = 0;
  const take = (line: Line): boolean => {
    const opened = line.complete ? openLine(line.bytes) : undefined;
    if (opened === undefined) return false;
    const { number, offset } = line;
    const end = offset + line.bytes.length + 1;
    const decoded = decodeJournalLine(parseLine(line.bytes));
    if (decoded.kind === 'unknown') {
      unknown.push({ file: name, line: number, offset, previous: opened.previous });
      return false;
    }
    if (decoded.kind === 'header') {
      checkOwner(decoded.header, claim);
      if (header !== undefined) return true;
      header = decoded.header;
      headerCrc = opened.checksum;
      headerEnd = end;
    } else {
      const { previous, checksum: crc } = opened;
      lines.push({ ...decoded.line, offset, end, previous, crc });
    }
    return true;
  };
  const bad = salvageLines(file, take, bytes);
  const known = new Set([headerCrc, ...lines.map(({ crc }) => crc)]);
  const later = unknown.find(({ previous }) => known.has(previous));
  if (later !== undefined) throw unreadable(later, 'a line is of an unknown kind');
  return { generation, name, header, headerCrc, headerEnd, lines, bad, reading };
}

function checkOwner(header: JournalHeader, claim: JournalClaim): void {
  const { store, shard, generation } = header;
  if (store === claim.store && shard === claim.shard && generation === claim.generation) return;
  throw damaged(
    { file: claim.name },
    `it belongs to shard ${shard}, generation ${generation} of store ${store}`,
  );
}
