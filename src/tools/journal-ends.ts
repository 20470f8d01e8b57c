// Where the journals of a damaged shard begin and end, as far as one says so of another.
import type { StatedEnd } from './counting-lines.ts';
import type { JournalSource, ShardSources } from './shard-sources.ts';

/** Whether the journals begin with the shard's first change. */
export function beginsAtTheStart(
  sources: ShardSources,
  journals: readonly JournalSource[],
): boolean {
  const { current } = sources;
  if (current === undefined) return journals[0]?.generation === 1;
  return (current.previous ?? current).snapshot === null;
}

/** The seq at which the journals behind a snapshot begin. */
export function seqBehind(
  journals: readonly JournalSource[],
  generation: number,
): number | undefined {
  return journals.find((one) => one.generation > generation)?.journal?.header?.previous?.seq;
}

/** Where a journal ended, by the next one's header, or at least by a later one's. */
export function statedEnd(source: JournalSource, later: readonly JournalSource[]): StatedEnd {
  const ends = later.flatMap(({ journal }) => journal?.header?.previous ?? []);
  const own = ends.find(({ generation }) => generation === source.generation);
  if (own !== undefined) return own;
  const seq = Math.min(...ends.map((end) => end.seq), Infinity);
  return { bytes: source.bytes ?? Infinity, seq, crc: undefined };
}

export interface Tail {
  readonly index: number;
  /** So much of it was on stable storage. */
  readonly durableBytes: number;
  /** The same, by what stands elsewhere: behind its last line, nothing else can say so. */
  readonly statedBytes: number;
  /** A journal behind it was never known to hold anything. */
  readonly isUnbegunLawful: boolean;
}

/** The journal that was written to last: a crash may leave the one behind it without its header. */
export function tailOf(journals: readonly JournalSource[], { current }: ShardSources): Tail {
  const statedFor = ({ generation, bytes = 0 }: JournalSource): number =>
    Math.max(current?.mark?.generation === generation ? current.mark.bytes : 0, bytes);
  const durableFor = (source: JournalSource): number =>
    Math.max(source.journal?.reading.durableBytes ?? 0, statedFor(source));
  const last = journals.at(-1);
  const isUnbegunLawful =
    last?.journal?.header === undefined &&
    last?.journal?.lines.length === 0 &&
    durableFor(last) === 0;
  const index = journals.length - (isUnbegunLawful ? 2 : 1);
  const tail = journals[index];
  return {
    index,
    durableBytes: tail === undefined ? 0 : durableFor(tail),
    statedBytes: tail === undefined ? 0 : statedFor(tail),
    isUnbegunLawful,
  };
}
