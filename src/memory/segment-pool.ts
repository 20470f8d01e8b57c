// Owns the segments of a shard's memory: makes them, numbers them, tells the reader of them, and uses
// those again that were given back. A segment keeps its memory and its number. Knows no entry.
import { assert } from '../base/assert.ts';
import {
  newSegment,
  placeShift,
  segmentBytes,
  type EntryPieces,
  type Segment,
} from './entry-pieces.ts';
import type { NewsOfMemory } from './memory-news.ts';
import { SparePieces } from './spare-pieces.ts';

const segmentsMax = 2 ** (31 - placeShift);

/** The most that entries may take, in bytes: places have no numbers for more, less some to clean with. */
export const entryMemoryBytesMax = (segmentsMax * segmentBytes * 15) / 16;

/** A segment as its writer knows it. */
export interface OwnSegment extends Segment {
  readonly number: number;
  readonly memory: SharedArrayBuffer;
  /** End of the entries, in bytes from the begin. */
  end: number;
  /** Bytes of live entries. */
  live: number;
}

export class SegmentPool {
  readonly #pieces: EntryPieces;
  readonly #news: NewsOfMemory;
  /** By number. Undefined: a spare. */
  readonly inUse: (OwnSegment | undefined)[] = [];
  readonly #spare = new SparePieces<OwnSegment>();

  constructor(pieces: EntryPieces, news: NewsOfMemory) {
    this.#pieces = pieces;
    this.#news = news;
  }

  /** Bytes of the segments in use, whatever they hold. */
  get bytes(): number {
    return (this.inUse.length - this.#spare.length) * segmentBytes;
  }

  /** @returns an empty segment */
  take(): OwnSegment {
    const segment = this.#spare.take() ?? this.#newSegment();
    const { number, memory } = segment;
    segment.end = 0;
    segment.live = 0;
    this.inUse[number] = segment;
    if (this.#pieces.segments[number] === undefined) {
      this.#pieces.setSegment(number, segment);
      this.#news.piece('segments', number, memory);
    }
    return segment;
  }

  /** Takes a segment back that holds no live entry. A reader goes on to know it. */
  giveBack(segment: OwnSegment): void {
    assert(segment.live === 0, 'only empty segments are given back');
    this.#makeSpare(segment);
  }

  /** See `SparePieces`. */
  reuseReleased(): void {
    this.#spare.reuseReleased();
  }

  /** Takes all segments back, whatever they hold. The caller tells of it. */
  clear(): void {
    for (const segment of this.inUse) if (segment !== undefined) this.#makeSpare(segment);
    this.#pieces.segments.length = 0;
  }

  #makeSpare(segment: OwnSegment): void {
    this.inUse[segment.number] = undefined;
    this.#spare.giveBack(segment);
  }

  #newSegment(): OwnSegment {
    const number = this.inUse.length;
    assert(number < segmentsMax, 'the memory of entries has a segment left');
    const memory = new SharedArrayBuffer(segmentBytes);
    return { ...newSegment(memory), number, memory, end: 0, live: 0 };
  }
}
