// Reads one namespace of a snapshot, and no block of any other. The footer says where it is. Verifies
// the checksum, order and number of the entries that it reads. Knows no table.
import type { ShardIdentity } from '../base/shard-location.ts';
import { decodeBlock, type EntryBlock } from './block-format.ts';
import { BlockOrder } from './block-order.ts';
import type { SnapshotReference } from './current.ts';
import { damaged, unreadable } from './damage.ts';
import { partOfFile } from './file-part.ts';
import type { ReadableFile } from './file-system.ts';
import type { ParseLine } from './large-values.ts';
import { readLines, type Line } from './line-reader.ts';
import { openLine, parseLine } from './sealed-line.ts';
import { isNotNamed, readSnapshotFooter, type PlacedFooter } from './snapshot-footer.ts';
import { blockSeparator, type SnapshotFooter } from './snapshot-format.ts';
import { SnapshotReader } from './snapshot-reader.ts';

/** A snapshot of which a caller reads all blocks, or those of one namespace. */
export type SnapshotSource = Pick<SnapshotReader, 'blocks' | 'footer'>;

/**
 * @param name for errors, relative to the data folder
 * @param reference as current.json names the snapshot
 * @param namespace the only namespace to read; undefined: all of them
 * @throws StoreError if the footer is not valid, and only one namespace is to be read
 */
export function openSnapshot(
  file: ReadableFile,
  name: string,
  identity: ShardIdentity,
  reference: SnapshotReference,
  namespace: string | undefined,
  parse?: ParseLine,
): SnapshotSource {
  return namespace === undefined
    ? new SnapshotReader(file, name, identity, reference, parse)
    : new SnapshotPart(file, name, reference, namespace, parse);
}

export class SnapshotPart implements SnapshotSource {
  readonly #file: ReadableFile;
  readonly #name: string;
  readonly #namespace: string;
  readonly #footer: PlacedFooter;
  readonly #parse: ParseLine;

  /**
   * Reads the footer.
   *
   * @throws StoreError STORE_DAMAGED or STORE_MISMATCH if it is not valid
   */
  constructor(
    file: ReadableFile,
    name: string,
    reference: SnapshotReference,
    namespace: string,
    parse: ParseLine = parseLine,
  ) {
    this.#parse = parse;
    this.#file = file;
    this.#name = name;
    this.#namespace = namespace;
    this.#footer = readSnapshotFooter(file, name, reference);
  }

  get footer(): SnapshotFooter {
    return this.#footer.footer;
  }

  /**
   * The blocks of the namespace, in order.
   *
   * @throws StoreError STORE_DAMAGED at the first byte that is not valid
   */
  *blocks(): Generator<EntryBlock, void, void> {
    const { namespaces } = this.footer;
    const index = namespaces.findIndex(({ namespace }) => namespace === this.#namespace);
    const range = namespaces[index];
    if (range === undefined) return;
    const end = namespaces[index + 1]?.offset ?? this.#footer.offset;
    const order = new BlockOrder();
    let previous: string | undefined;
    for (const line of readLines(partOfFile(this.#file, range.offset, end))) {
      const offset = range.offset + line.offset;
      const sealed = sealedOf(line);
      const opened = openLine(sealed);
      if (opened === undefined) throw this.#damage(offset, 'the line does not match its checksum');
      if (previous !== undefined && opened.previous !== previous) {
        throw this.#damage(offset, 'the line does not follow the one before');
      }
      previous = opened.checksum;
      yield this.#takeBlock(this.#parse(sealed), order, offset);
    }
    if (order.entries !== range.entries) {
      const what = `the footer counts ${range.entries} entries, ${order.entries} are there`;
      throw this.#damage(range.offset, what);
    }
    const isLast = end === this.#footer.offset;
    if (isLast && previous !== this.#footer.previous) throw isNotNamed(this.#name, range.offset);
  }

  #takeBlock(parsed: unknown, order: BlockOrder, offset: number): EntryBlock {
    const position = { file: this.#name, offset };
    // A line with a right checksum is an object.
    const block = decodeBlock(parsed);
    if (block === undefined) throw unreadable(position, 'a block is of an unknown kind');
    if (block.namespace !== this.#namespace) {
      throw damaged(position, 'a block of another namespace is there');
    }
    const misfit = order.misfitOf(block);
    if (misfit !== undefined) throw damaged(position, misfit);
    return block;
  }

  #damage(offset: number, what: string): Error {
    return damaged({ file: this.#name, offset }, what);
  }
}

/** A separator ends each block but the last of the file. */
function sealedOf({ bytes }: Line): Buffer {
  const isFollowed = bytes.at(-1) === blockSeparator.charCodeAt(0);
  return isFollowed ? bytes.subarray(0, -1) : bytes;
}
