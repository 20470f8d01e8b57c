// Finds the first change and the end of a damaged shard's journals. Uses current.json, and each
// header's statements about earlier journals. Reads no file.
import type { StatedEnd } from './counting-lines.ts';
import { headerBytesMin } from '../storage/journal-format.ts';
import type { JournalSource, ShardSources } from './shard-sources.ts';

/** True if the first journal begins with the shard's first change. */
export function beginsAtTheStart(
  sources: ShardSources,
  journals: readonly JournalSource[],
): boolean {
  const { current } = sources;
  if (current === undefined) return journals[0]?.generation === 1;
  return (current.previous ?? current).snapshot === null;
}

/**
 * Finds the seq at which the journals after a snapshot begin.
 *
 * @returns undefined if no header states it
 */
export function seqBehind(
  journals: readonly JournalSource[],
  generation: number,
): number | undefined {
  return journals.find((one) => one.generation > generation)?.journal?.header?.previous?.seq;
}

/** Finds the end of a journal, as the next journal's header states it, or else any later header. */
export function statedEnd(source: JournalSource, later: readonly JournalSource[]): StatedEnd {
  const ends = later.flatMap(({ journal }) => journal?.header?.previous ?? []);
  const own = ends.find(({ generation }) => generation === source.generation);
  if (own !== undefined) return own;
  const seq = Math.min(...ends.map((end) => end.seq), Infinity);
  return { bytes: source.bytes ?? Infinity, seq, crc: undefined };
}

export interface OpenJournal {
  readonly index: number;
  /** So many bytes of the open journal are known to have been on stable storage. */
  readonly durableBytes: number;
  /**
   * So many bytes were on stable storage, by current.json alone. The journal's own lines cannot vouch
   * for bytes behind the last line.
   */
  readonly statedBytes: number;
  /** True if the open journal may lack even its header: no file says that it held any bytes. */
  readonly mayBeUnbegun: boolean;
  /** True if the open journal has lost its header and every line, and no file states its length. */
  readonly isEndUnknown: boolean;
}

/** Finds the journal that the shard wrote to last. A crash may leave a later one without a header. */
export function openJournalOf(
  journals: readonly JournalSource[],
  { current }: ShardSources,
): OpenJournal {
  // A switch is durable before a compaction begins, so the first journal behind a snapshot has had
  // a header.
  const begun = current?.snapshot ? current.journals[0]?.generation : undefined;
  const statedFor = ({ generation, bytes = 0 }: JournalSource): number =>
    Math.max(
      current?.mark?.generation === generation ? current.mark.bytes : 0,
      generation === begun ? headerBytesMin : 0,
      bytes,
    );
  const durableFor = (source: JournalSource): number =>
    Math.max(source.journal?.reading.durableBytes ?? 0, statedFor(source));
  const last = journals.at(-1);
  const mayBeUnbegun = last !== undefined && isBare(last) && durableFor(last) === 0;
  const index = journals.length - (mayBeUnbegun ? 2 : 1);
  const openJournal = journals[index];
  const statedBytes = openJournal === undefined ? 0 : statedFor(openJournal);
  return {
    index,
    durableBytes: openJournal === undefined ? 0 : durableFor(openJournal),
    statedBytes,
    mayBeUnbegun,
    isEndUnknown:
      openJournal !== undefined && isBare(openJournal) && statedBytes === headerBytesMin,
  };
}

/** True for a file without a header, none of whose lines matches its own checksum. */
function isBare({ journal }: JournalSource): boolean {
  return journal !== undefined && journal.header === undefined && journal.lines.length === 0;
}
