// Finds where the journals of a damaged shard begin and end, from current.json and from what one
// journal's header says of another. Reads no file.
import type { StatedEnd } from './counting-lines.ts';
import type { JournalSource, ShardSources } from './shard-sources.ts';

/** True if the journals begin with the shard's first change. */
export function beginsAtTheStart(
  sources: ShardSources,
  journals: readonly JournalSource[],
): boolean {
  const { current } = sources;
  if (current === undefined) return journals[0]?.generation === 1;
  return (current.previous ?? current).snapshot === null;
}

/** The seq at which the journals after a snapshot begin; undefined if no header says so. */
export function seqBehind(
  journals: readonly JournalSource[],
  generation: number,
): number | undefined {
  return journals.find((one) => one.generation > generation)?.journal?.header?.previous?.seq;
}

/** Where a journal ended, by the header of the next journal, or else of any later one. */
export function statedEnd(source: JournalSource, later: readonly JournalSource[]): StatedEnd {
  const ends = later.flatMap(({ journal }) => journal?.header?.previous ?? []);
  const own = ends.find(({ generation }) => generation === source.generation);
  if (own !== undefined) return own;
  const seq = Math.min(...ends.map((end) => end.seq), Infinity);
  return { bytes: source.bytes ?? Infinity, seq, crc: undefined };
}

export interface Tail {
  readonly index: number;
  /** So many bytes of the tail are known to have been on stable storage. */
  readonly durableBytes: number;
  /**
   * So many bytes were on stable storage, by current.json alone. The tail's own lines cannot vouch
   * for bytes behind the last line.
   */
  readonly statedBytes: number;
  /** True if a journal after the tail may be without a header: no file says that it held bytes. */
  readonly mayBeUnbegun: boolean;
}

/** Finds the journal that the shard wrote to last. A crash may leave a later one without header. */
export function tailOf(journals: readonly JournalSource[], { current }: ShardSources): Tail {
  const statedFor = ({ generation, bytes = 0 }: JournalSource): number =>
    Math.max(current?.mark?.generation === generation ? current.mark.bytes : 0, bytes);
  const durableFor = (source: JournalSource): number =>
    Math.max(source.journal?.reading.durableBytes ?? 0, statedFor(source));
  const last = journals.at(-1);
  const mayBeUnbegun =
    last?.journal?.header === undefined &&
    last?.journal?.lines.length === 0 &&
    durableFor(last) === 0;
  const index = journals.length - (mayBeUnbegun ? 2 : 1);
  const tail = journals[index];
  return {
    index,
    durableBytes: tail === undefined ? 0 : durableFor(tail),
    statedBytes: tail === undefined ? 0 : statedFor(tail),
    mayBeUnbegun,
  };
}
