// The lines of a backup: a header, blocks of entries in (namespace, key) order over the whole
// store or of one namespace, a footer. FORMAT.md has the grammar and a worked example. block-format.ts has the blocks.
import { formatVersion, isReadableFormatVersion } from './format-version.ts';
import { isCount } from './is-count.ts';

const backupFormat = 'holdfast-backup';

/** The first bytes of every backup. */
export const backupOpening = `{"format":"${backupFormat}",`;

export interface BackupHeader {
  /** Id of the store that the backup shows. */
  readonly store: string;
  /** Shard count of that store. */
  readonly shards: number;
  /** The highest next seq of any shard: above the version of every entry. */
  readonly seq: number;
  /** The store's timestamp at the moment that the backup shows, Unix milliseconds. */
  readonly at: number;
  /** The machine's clock, Unix milliseconds. */
  readonly createdAt: number;
  /** The only namespace that the backup has; undefined: it has all of the store. */
  readonly namespace?: string | undefined;
}

export interface BackupFooter {
  readonly entries: number;
  readonly blocks: number;
}

/** All `encode…` functions give the text of an object without its closing brace; see sealed-line. */
export function encodeBackupHeader(header: BackupHeader): string {
  const { store, shards, seq, at, createdAt, namespace } = header;
  return JSON.stringify({
    format: backupFormat,
    formatVersion,
    store,
    shards,
    seq,
    at,
    createdAt,
    namespace,
  }).slice(0, -1);
}

export function encodeBackupFooter({ entries, blocks }: BackupFooter): string {
  return JSON.stringify({ entries, blocks }).slice(0, -1);
}

/** @returns undefined if the header is of another format or version */
export function decodeBackupHeader(parsed: unknown): BackupHeader | undefined {
  const { format, formatVersion: version, ...members } = parsed as Record<string, unknown>;
  if (format !== backupFormat || !isReadableFormatVersion(version)) return undefined;
  const { store, shards, seq, at, createdAt, namespace } = members;
  if (typeof store !== 'string' || !isCount(shards) || !isCount(seq)) return undefined;
  if (!isCount(at) || !isCount(createdAt)) return undefined;
  const whole = { store, shards, seq, at, createdAt };
  if (namespace === undefined) return whole;
  return typeof namespace === 'string' ? { ...whole, namespace } : undefined;
}

/** @returns undefined if the line is no footer: in a block, `entries` is a list */
export function decodeBackupFooter(parsed: unknown): BackupFooter | undefined {
  const { entries, blocks } = parsed as Record<string, unknown>;
  return isCount(entries) && isCount(blocks) ? { entries, blocks } : undefined;
}
