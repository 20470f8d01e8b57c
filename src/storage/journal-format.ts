// The lines of a journal. The first line is the header. After it come batch lines, which hold
// changes as results, and mark lines, which hold none. FORMAT.md has the grammar and a worked
// example. Only this file and record.ts know the members of the lines, and
// large-values.ts those of values.
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { ShardIdentity } from '../base/shard-location.ts';
import { formatVersion, isReadableFormatVersion, type FormatVersion } from './format-version.ts';
import { isCount } from './is-count.ts';
import { isJournalRecord, type JournalRecord } from './record.ts';
import { recordOfVersion1 } from './record-of-version-1.ts';
import { noChecksum, sealLine } from './sealed-line.ts';

const journalFormat = 'holdfast-journal';

/** The writer pads a journal with spaces ahead of its writes. Such bytes are no line, and no damage. */
export function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20);
}

/** The end of a journal's valid part. */
export interface JournalEnd {
  readonly generation: number;
  /** Length of the valid part in bytes. */
  readonly bytes: number;
  /** The seq that the next record would have taken in this journal. */
  readonly seq: number;
  /** Checksum of the last line. */
  readonly crc: string;
}

export interface JournalHeader extends ShardIdentity {
  readonly generation: number;
  /** The first record takes this seq. It is above `previous.seq` if a start made seq jump. */
  readonly seq: number;
  /** The mode of the shard that writes the journal. */
  readonly fsync: FsyncMode;
  /** The store's timestamp, Unix milliseconds. */
  readonly at: number;
  readonly previous: JournalEnd | null;
}

/** Reason for the mark: a clean stop, a start after one, or a shard that has become idle. */
export type MarkKind = 'stop' | 'start' | 'idle';

export interface JournalLine {
  /** Seq of the first record. In a mark, the seq of the next record. */
  readonly seq: number;
  readonly at: number;
  /** Durable length: so many bytes of this file were on stable storage before the line was written. */
  readonly d: number;
  readonly records: readonly JournalRecord[];
  readonly mark: MarkKind | undefined;
}

/**
 * Every `encode…` function returns the text of an object without its closing brace, as `sealLine`
 * takes it.
 */
export function encodeJournalHeader(header: JournalHeader): string {
  return JSON.stringify({
    format: journalFormat,
    formatVersion,
    store: header.store,
    shard: header.shard,
    generation: header.generation,
    seq: header.seq,
    fsync: header.fsync,
    at: header.at,
    previous: header.previous,
  }).slice(0, -1);
}

const shortestHeader: JournalHeader = {
  store: '00000000-0000-0000-0000-000000000000',
  shard: 0,
  generation: 1,
  seq: 1,
  fsync: 'never',
  at: 0,
  previous: null,
};

/** The least length of a journal's first line, in bytes, its newline included. */
export const headerBytesMin =
  sealLine(encodeJournalHeader(shortestHeader), noChecksum).bytes.length + 1;

/** @param records encoded records, in order of their seq */
export function encodeBatchLine(
  seq: number,
  at: number,
  d: number,
  records: readonly string[],
): string {
  return `{"seq":${seq},"at":${at},"d":${d},"records":[${records.join(',')}]`;
}

export function encodeMarkLine(seq: number, at: number, d: number, mark: MarkKind): string {
  return `{"seq":${seq},"at":${at},"d":${d},"mark":"${mark}"`;
}

/** The meaning of a line whose checksum is right. */
export type DecodedLine =
  | { readonly kind: 'header'; readonly header: JournalHeader; readonly version: FormatVersion }
  | { readonly kind: 'line'; readonly line: JournalLine }
  /** A later version of the program wrote it, or another program. */
  | { readonly kind: 'unknown' };

function isJournalEnd(value: unknown): value is JournalEnd {
  if (typeof value !== 'object' || value === null) return false;
  const end = value as Partial<JournalEnd>;
  return (
    isCount(end.generation) && isCount(end.bytes) && isCount(end.seq) && typeof end.crc === 'string'
  );
}

function decodeHeader(object: Record<string, unknown>): DecodedLine {
  const { formatVersion: version, store, shard, generation, seq, fsync, at, previous } = object;
  if (
    !isReadableFormatVersion(version) ||
    typeof store !== 'string' ||
    !isCount(shard) ||
    !isCount(generation) ||
    !isCount(seq) ||
    !isCount(at) ||
    (fsync !== 'always' && fsync !== 'interval' && fsync !== 'never') ||
    (previous !== null && !isJournalEnd(previous))
  ) {
    return { kind: 'unknown' };
  }
  const header: JournalHeader = { store, shard, generation, seq, fsync, at, previous };
  return { kind: 'header', header, version };
}

/** @param version the format version that the journal's header states */
export function decodeJournalLine(
  parsed: unknown,
  version: FormatVersion = formatVersion,
): DecodedLine {
  if (typeof parsed !== 'object' || parsed === null) return { kind: 'unknown' };
  const object = parsed as Record<string, unknown>;
  if (object['format'] === journalFormat) return decodeHeader(object);
  const { seq, at, d, mark } = object;
  if (!isCount(seq) || !isCount(at) || !isCount(d)) return { kind: 'unknown' };
  if (mark === 'stop' || mark === 'start' || mark === 'idle') {
    return { kind: 'line', line: { seq, at, d, records: [], mark } };
  }
  const records = recordsOf(object['records'], version);
  if (records === undefined) return { kind: 'unknown' };
  return { kind: 'line', line: { seq, at, d, records, mark: undefined } };
}

function recordsOf(records: unknown, version: FormatVersion): JournalRecord[] | undefined {
  if (!Array.isArray(records)) return undefined;
  const known: unknown[] = version === 1 ? records.map(recordOfVersion1) : records;
  return known.every(isJournalRecord) ? known : undefined;
}
