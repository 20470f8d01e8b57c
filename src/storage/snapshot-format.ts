// A snapshot's lines; FORMAT.md has the grammar and a worked example. The whole file is one JSON
// document; each of its lines is a sealed object between fixed text:
//
//   {"header":<sealed>,"blocks":[
//   <sealed>,                       a block of entries, in (namespace, key) order
//   <sealed>
//   ],"footer":<sealed>}
//
// Here stand the fixed text, header and footer; block-format.ts has the blocks, record.ts the entries.
import type { ShardIdentity } from '../base/shard-location.ts';
import { formatVersion, isReadableFormatVersion } from './format-version.ts';
import { isCount } from './is-count.ts';

const snapshotFormat = 'holdfast-snapshot';

export const headerOpening = '{"header":';
export const headerClosing = ',"blocks":[';
export const footerOpening = '],"footer":';
export const footerClosing = '}';
export const blockSeparator = ',';

/** The bytes between fixed text; undefined if the line does not have this text. */
export function innerOfLine(bytes: Buffer, opening: string, closing: string): Buffer | undefined {
  const end = bytes.length - closing.length;
  const isThere =
    bytes.toString('latin1', 0, opening.length) === opening &&
    bytes.toString('latin1', Math.max(0, end)) === closing;
  return isThere ? bytes.subarray(opening.length, end) : undefined;
}

export interface SnapshotHeader extends ShardIdentity {
  /** The snapshot holds all changes of the journals up to this generation. */
  readonly generation: number;
}

export interface NamespaceRange {
  readonly namespace: string;
  readonly entries: number;
  /** Start of the namespace's first block in the file, in bytes. */
  readonly offset: number;
}

export interface SnapshotFooter {
  readonly entries: number;
  readonly blocks: number;
  /** The seq that the next record would have taken. */
  readonly seq: number;
  /** The highest timestamp in the files that the snapshot is made from, Unix milliseconds. */
  readonly at: number;
  readonly namespaces: readonly NamespaceRange[];
}

export function encodeSnapshotHeader(header: SnapshotHeader): string {
  return JSON.stringify({
    format: snapshotFormat,
    formatVersion,
    store: header.store,
    shard: header.shard,
    generation: header.generation,
  }).slice(0, -1);
}

export function encodeSnapshotFooter(footer: SnapshotFooter): string {
  return JSON.stringify(footer).slice(0, -1);
}

/** @returns undefined if the header is of another format or version */
export function decodeSnapshotHeader(parsed: unknown): SnapshotHeader | undefined {
  const { format, store, shard, generation, ...members } = parsed as Record<string, unknown>;
  const { formatVersion: version } = members;
  if (format !== snapshotFormat || !isReadableFormatVersion(version)) return undefined;
  if (typeof store !== 'string' || !isCount(shard) || !isCount(generation)) return undefined;
  return { store, shard, generation };
}

export function decodeSnapshotFooter(parsed: unknown): SnapshotFooter | undefined {
  const { entries, blocks, seq, at, namespaces } = parsed as Record<string, unknown>;
  if (!isCount(entries) || !isCount(blocks) || !isCount(seq) || !isCount(at)) return undefined;
  if (!Array.isArray(namespaces)) return undefined;
  return { entries, blocks, seq, at, namespaces: namespaces as NamespaceRange[] };
}
