// Which part of a journal of a damaged store counts: not what a crash left behind the last durable
// mark, and not what was disowned when the shard went on in another journal.
import { encodeBatchLine } from '../storage/journal-format.ts';
import { encodeDelete } from '../storage/record.ts';
import { noChecksum, sealLine } from '../storage/sealed-line.ts';
import type { ProvableLine, SalvagedJournal } from './journal-salvage.ts';

/** The part of a journal that counts. */
export interface CountingPart {
  readonly lines: readonly ProvableLine[];
  /** What a start would cut off: the end of a crash, and no damage. */
  readonly torn: { readonly offset: number; readonly what: string } | undefined;
  /** All that must be there is there, in order. */
  readonly isWhole: boolean;
}

/** Of the journal that was written to last. */
export function countInTail(journal: SalvagedJournal, durableBytes: number): CountingPart {
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

/** Where a journal ended, as far as it is known from what came after it. */
export interface StatedEnd {
  readonly bytes: number;
  readonly seq: number;
  readonly crc: string | undefined;
}

/** Of a journal that others came after. */
export function countInSealed({ lines, reading }: SalvagedJournal, end: StatedEnd): CountingPart {
  const isOwned = ({ offset, seq, records }: ProvableLine): boolean =>
    offset < end.bytes && seq + records.length <= end.seq;
  const isWhole =
    end.crc === undefined
      ? reading.bad === undefined
      : reading.bytes === end.bytes && reading.nextSeq === end.seq && reading.crc === end.crc;
  return { lines: lines.filter(isOwned), torn: undefined, isWhole };
}

/** Whether so few bytes can not have held a change, only a mark. */
export function holdsNoChange(bytes: number, seq: number, at: number): boolean {
  const shortest = encodeBatchLine(seq, at, 0, [encodeDelete('default', 'x')]);
  return bytes < sealLine(shortest, noChecksum).bytes.length + 1;
}
