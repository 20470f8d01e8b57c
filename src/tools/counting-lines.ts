// Decides which lines of a damaged store's journal count. Two kinds do not count. A crash left the
// first kind behind the last durable mark. The shard disowned the second kind when it went on in
// another journal. Knows no file and no entry.
import { encodeBatchLine } from '../storage/journal-format.ts';
import { encodeDelete } from '../storage/record.ts';
import { noChecksum, sealLine } from '../storage/sealed-line.ts';
import type { ProvableLine, SalvagedJournal } from './journal-salvage.ts';

/** The lines of a journal that count, and how the journal ends. */
export interface CountingPart {
  readonly lines: readonly ProvableLine[];
  /** The torn tail that a start would cut off. A crash leaves one: no damage. */
  readonly torn: { readonly offset: number; readonly what: string } | undefined;
  /** False if a line that must be in the journal is missing or out of order. */
  readonly isWhole: boolean;
}

/**
 * Decides which lines count in the journal that the shard wrote to last.
 *
 * @param durableBytes so many bytes of the journal are known to be on stable storage
 */
export function countInOpen(journal: SalvagedJournal, durableBytes: number): CountingPart {
  const { reading, bad, lines } = journal;
  if (reading.bytes >= durableBytes) {
    const torn =
      reading.bad === undefined ? undefined : { offset: reading.bytes, what: reading.bad.reason };
    return { lines: lines.filter(({ end }) => end <= reading.bytes), torn, isWhole: true };
  }
  const cut = bad.find(({ offset }) => offset >= durableBytes);
  const torn =
    cut === undefined
      ? undefined
      : { offset: cut.offset, what: 'the line does not match its checksum' };
  const before = cut?.offset ?? Infinity;
  return { lines: lines.filter(({ offset }) => offset < before), torn, isWhole: false };
}

/** The end of a journal, as later journals state it. */
export interface StatedEnd {
  readonly bytes: number;
  readonly seq: number;
  readonly crc: string | undefined;
}

/** Decides which lines count in a journal that has a later one. */
export function countInSealed({ lines, reading }: SalvagedJournal, end: StatedEnd): CountingPart {
  const isOwned = ({ offset, seq, records }: ProvableLine): boolean =>
    offset < end.bytes && seq + records.length <= end.seq;
  const isWhole =
    end.crc === undefined
      ? reading.bad === undefined
      : reading.bytes === end.bytes && reading.nextSeq === end.seq && reading.crc === end.crc;
  return { lines: lines.filter(isOwned), torn: undefined, isWhole };
}

/** True if so few bytes can hold a mark at most, and no change. */
export function holdsNoChange(bytes: number, seq: number, at: number): boolean {
  const shortest = encodeBatchLine(seq, at, 0, [encodeDelete('default', 'x')]);
  return bytes < sealLine(shortest, noChecksum).bytes.length + 1;
}
