// Reads one snapshot of a damaged store past its damage. Finds every block that matches its own
// checksum, and the ranges of keys between such blocks. Does not know which snapshot counts.
import { byteStringOfText } from '../base/byte-string.ts';
import type { ShardIdentity } from '../base/shard-location.ts';
import {
  compareEntries,
  type EntryPosition,
  type StreamedEntry,
} from '../shard/streams/entry-stream.ts';
import { decodeBlock } from '../storage/block-format.ts';
import type { SnapshotReference } from '../storage/current.ts';
import { damaged, unreadable, type FilePosition } from '../storage/damage.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import type { Line } from '../storage/line-reader.ts';
import { openLine, parseLine, type OpenedLine } from '../storage/sealed-line.ts';
import {
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  footerClosing,
  footerOpening,
  headerClosing,
  headerOpening,
  type SnapshotFooter,
} from '../storage/snapshot-format.ts';
import { allEntries, type EntryRange } from './entry-range.ts';
import { salvageLines, type UnprovenLine } from './salvage-lines.ts';

export interface SalvagedSnapshot {
  readonly generation: number;
  /** Relative to the data folder. */
  readonly name: string;
  readonly footer: SnapshotFooter | undefined;
  /** In (namespace, key) order. */
  readonly entries: readonly StreamedEntry[];
  /** Ranges in which entries may be missing. Outside them none is missing. */
  readonly gaps: readonly EntryRange[];
  readonly bad: readonly UnprovenLine[];
  /** The number of missing entries; undefined if it cannot be known. */
  readonly missing: number | undefined;
}

export interface SnapshotOwner extends ShardIdentity {
  readonly generation: number;
  readonly name: string;
  /** The snapshot's reference in current.json, if there is one. */
  readonly reference: SnapshotReference | undefined;
}

interface Block extends OpenedLine {
  readonly first: EntryPosition;
  readonly last: EntryPosition;
  readonly entries: readonly StreamedEntry[];
}

/** The result for a snapshot whose file is missing or unusable. */
export function missingSnapshot(owner: SnapshotOwner): SalvagedSnapshot {
  const { generation, name, reference } = owner;
  const missing = reference?.entries;
  return { generation, name, footer: undefined, entries: [], gaps: [allEntries], bad: [], missing };
}

/**
 * @throws StoreError STORE_DAMAGED if the file is another shard's, store's or generation's, or not
 *   the one that current.json names; STORE_MISMATCH if a later version wrote the file
 */
export function salvageSnapshot(file: ReadableFile, owner: SnapshotOwner): SalvagedSnapshot {
  return new SnapshotSalvage(owner).run(file);
}

class SnapshotSalvage {
  readonly #owner: SnapshotOwner;
  readonly #blocks: Block[] = [];
  readonly #unknown: (FilePosition & { readonly previous: string })[] = [];
  #headerCrc: string | undefined;
  #footer: SnapshotFooter | undefined;
  #footerLine: OpenedLine | undefined;

  constructor(owner: SnapshotOwner) {
    this.#owner = owner;
  }

  run(file: ReadableFile): SalvagedSnapshot {
    const bad = salvageLines(file, (line) => this.#take(line));
    const known = new Set([this.#headerCrc, ...this.#blocks.map(({ checksum }) => checksum)]);
    const later = this.#unknown.find(({ previous }) => known.has(previous));
    if (later !== undefined) throw unreadable(later, 'a block is of an unknown kind');
    const { generation, name, reference } = this.#owner;
    if (reference !== undefined && this.#footerLine !== undefined) {
      if (this.#footerLine.checksum !== reference.crc) {
        throw damaged({ file: name }, 'it is not the file that current.json names');
      }
    }
    const blocks = inOrder(this.#blocks);
    const entries = blocks.flatMap((block) => block.entries);
    const total = this.#footer?.entries ?? reference?.entries;
    return {
      generation,
      name,
      footer: this.#footer,
      entries,
      gaps: this.#gapsBetween(blocks, total === entries.length),
      bad,
      missing: total === undefined ? undefined : total - entries.length,
    };
  }

  /** @returns false if the line does not match its own checksum */
  #take(line: Line): boolean {
    const { bytes } = line;
    if (startsWith(bytes, headerOpening)) return this.#takeHeader(line);
    if (startsWith(bytes, footerOpening)) return this.#takeFooter(line);
    // The separator behind a block is outside its checksum.
    const isLast = openLine(bytes) !== undefined;
    const object = isLast ? bytes : bytes.subarray(0, -1);
    const opened = openLine(object);
    if (opened === undefined) return false;
    const block = decodeBlock(parseLine(object));
    if (block === undefined) {
      this.#unknown.push({ ...this.#place(line), previous: opened.previous });
      return false;
    }
    const { namespace } = block;
    const entries = block.entries.map((record) => {
      return { namespace, key: byteStringOfText(record.key), version: record.version, record };
    });
    const [first, last] = [entries[0], entries.at(-1)];
    if (first !== undefined && last !== undefined)
      this.#blocks.push({ ...opened, first, last, entries });
    return true;
  }

  #takeHeader(line: Line): boolean {
    const opened = openBetween(line.bytes, headerOpening, headerClosing);
    if (opened === undefined) return false;
    const header = decodeSnapshotHeader(opened.json);
    if (header === undefined)
      throw unreadable(this.#place(line), 'the header is of an unknown kind');
    const { store, shard, generation, name } = this.#owner;
    if (header.store !== store || header.shard !== shard || header.generation !== generation) {
      throw damaged(
        { file: name },
        `it belongs to shard ${header.shard}, generation ${header.generation} of store ${header.store}`,
      );
    }
    this.#headerCrc = opened.checksum;
    return true;
  }

  #takeFooter(line: Line): boolean {
    const opened = openBetween(line.bytes, footerOpening, footerClosing);
    if (opened === undefined) return false;
    const footer = decodeSnapshotFooter(opened.json);
    if (footer === undefined)
      throw unreadable(this.#place(line), 'the footer is of an unknown kind');
    this.#footer = footer;
    this.#footerLine = opened;
    return true;
  }

  /**
   * Two blocks are neighbours if the second states the checksum of the first. The header begins
   * that chain and the footer ends it. If header or footer is lost, a right count shows that no
   * block is missing at that end.
   */
  #gapsBetween(blocks: readonly Block[], isCountRight: boolean): EntryRange[] {
    const gaps: EntryRange[] = [];
    let before: Block | undefined;
    const inner = blocks.every(
      (block, index) => index === 0 || block.previous === blocks[index - 1]?.checksum,
    );
    const isWhole = isCountRight && inner;
    for (const block of blocks) {
      const expected = before === undefined ? this.#headerCrc : before.checksum;
      if (block.previous !== expected && !isWhole)
        gaps.push({ after: before?.last ?? null, before: block.first });
      before = block;
    }
    const end = before === undefined ? this.#headerCrc : before.checksum;
    if (!isWhole && (this.#footerLine === undefined || this.#footerLine.previous !== end)) {
      gaps.push({ after: before?.last ?? null, before: null });
    }
    return gaps;
  }

  #place(line: Line): FilePosition {
    return { file: this.#owner.name, line: line.number, offset: line.offset };
  }
}

/** Sorts the blocks by their keys. Drops a block that repeats or overlaps one before. */
function inOrder(blocks: readonly Block[]): Block[] {
  const sorted = blocks.toSorted((a, b) => compareEntries(a.first, b.first));
  const kept: Block[] = [];
  for (const block of sorted) {
    const before = kept.at(-1);
    if (before === undefined || compareEntries(before.last, block.first) < 0) kept.push(block);
  }
  return kept;
}

function startsWith(bytes: Buffer, text: string): boolean {
  return bytes.toString('latin1', 0, text.length) === text;
}

/** The sealed object between two fixed texts; undefined if it does not prove itself. */
function openBetween(
  bytes: Buffer,
  opening: string,
  closing: string,
): (OpenedLine & { readonly json: unknown }) | undefined {
  const end = bytes.length - closing.length;
  if (!startsWith(bytes, opening) || bytes.toString('latin1', end) !== closing) return undefined;
  const object = bytes.subarray(opening.length, end);
  const opened = openLine(object);
  return opened && { ...opened, json: parseLine(object) };
}
