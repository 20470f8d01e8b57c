// The reader's end of a shard's memory: the main thread reads entries where the shard's thread has
// written them, without a message. It finds an entry or says nothing: then the caller asks the shard.
// The caller must not ask about an entry that an operation under way may change, and must not send the
// shard a batch while it reads. entry-pieces.ts says why that is enough. Knows no queue and no time.
import { newEntryHash, type EntryHash } from '../base/entry-hash.ts';
import type { EntryResult } from '../store/result.ts';
import {
  EntryPieces,
  expiryAt,
  isLargeAt,
  newSegment,
  noEntry,
  placeShift,
  sizeAt,
  unitMask,
  valueAt,
  versionAt,
  type Segment,
} from './entry-pieces.ts';
import type { MemoryNews, PieceNews } from './memory-news.ts';

const noHash: EntryHash = () => 0;

export class SharedEntries {
  #pieces = new EntryPieces();
  #hashOf = noHash;
  /** Numbers of the namespaces that have entries. */
  readonly #namespaces = new Map<string, number>();
  /** The unit of the entry that was found last. */
  #unit = 0;

  /** Takes in the news that came with the answer to a batch, before the caller sends another one. */
  hear({ begin, pieces, namespaces }: MemoryNews): void {
    if (begin !== undefined) {
      this.#pieces = new EntryPieces(begin.head);
      this.#hashOf = newEntryHash(begin.hashKey);
      this.#namespaces.clear();
    }
    for (const piece of pieces) this.#hearOfPiece(piece);
    for (const { name, number } of namespaces) {
      if (number === undefined) this.#namespaces.delete(name);
      else this.#namespaces.set(name, number);
    }
  }

  /** @returns the entry with its value; undefined if only the shard can tell */
  get(namespace: string, key: string, now: number): EntryResult | undefined {
    const segment = this.#find(namespace, key, now);
    if (segment === undefined) return undefined;
    const begin = valueAt(segment, this.#unit);
    const size = sizeAt(segment, this.#unit);
    // A copy, because the memory may get other entries once this read has ended.
    const value = Buffer.allocUnsafe(size);
    segment.bytes.copy(value, 0, begin, begin + size);
    return this.#resultOf(segment, value);
  }

  /** Like `get`, without the value. */
  head(namespace: string, key: string, now: number): EntryResult | undefined {
    const segment = this.#find(namespace, key, now);
    return segment === undefined ? undefined : this.#resultOf(segment, undefined);
  }

  /** Like `get`, but gives the value alone, as a byte string. */
  getText(namespace: string, key: string, now: number): string | undefined {
    const segment = this.#find(namespace, key, now);
    if (segment === undefined) return undefined;
    const begin = valueAt(segment, this.#unit);
    return segment.bytes.toString('latin1', begin, begin + sizeAt(segment, this.#unit));
  }

  #hearOfPiece({ kind, index, memory }: PieceNews): void {
    if (memory === undefined) this.#pieces[kind].length = index;
    else if (kind === 'segments') this.#pieces.setSegment(index, newSegment(memory));
    else this.#pieces[kind][index] = new Int32Array(memory);
  }

  /** @returns the segment of the entry, whose unit is then in `#unit` */
  #find(namespace: string, key: string, now: number): Segment | undefined {
    const namespaceNumber = this.#namespaces.get(namespace);
    if (namespaceNumber === undefined) return undefined;
    const pieces = this.#pieces;
    const number = pieces.find(this.#hashOf(namespaceNumber, key), namespaceNumber, key);
    if (number === noEntry) return undefined;
    // Once and for all: the shard may move the entry meanwhile.
    const place = pieces.placeOf(number);
    const segment = pieces.segments[place >>> placeShift];
    const unit = place & unitMask;
    if (segment === undefined || isLargeAt(segment, unit)) return undefined;
    if ((expiryAt(segment, unit) ?? Infinity) <= now) return undefined;
    this.#unit = unit;
    return segment;
  }

  #resultOf(segment: Segment, value: Buffer | undefined): EntryResult {
    return {
      kind: 'entry',
      version: versionAt(segment, this.#unit),
      expiresAt: expiryAt(segment, this.#unit),
      size: sizeAt(segment, this.#unit),
      value,
    };
  }
}
