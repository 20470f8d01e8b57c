// Entries, changes, and what else a journal records, as JSON members. A value that is UTF-8 text
// stands as a string, any other as base64; which of the two is decided by the bytes alone.
import { isUtf8 } from 'node:buffer';
import { byteStringOfText, textOfByteString } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import { isCount } from './is-count.ts';

/** A value as it stands in a parsed line. */
export interface ValueMembers {
  readonly value?: string;
  readonly valueBase64?: string;
}

/** A change of one entry, as it stands in a parsed journal line. */
export type ChangeRecord =
  | (ValueMembers & {
      readonly op: 'put';
      readonly namespace?: string;
      readonly key: string;
      readonly expiresAt?: number;
      /** Where it is not the record's seq: a transaction knows its versions before it is written. */
      readonly version?: number;
    })
  | { readonly op: 'delete'; readonly namespace?: string; readonly key: string };

/** All entries of a namespace are gone. */
export interface FlushRecord {
  readonly op: 'flush';
  readonly namespace?: string;
}

/** One shard's share of a transaction over several: it changes nothing before its note. */
export interface PartRecord {
  readonly op: 'part';
  readonly transaction: string;
  /** All shards that have a part in it, this one among them. */
  readonly shards: readonly number[];
  /** Of all entries that it puts. */
  readonly version: number;
  /** Namespaces that are flushed before the changes. */
  readonly flush?: readonly string[];
  readonly changes: readonly ChangeRecord[];
}

/** How a transaction was decided. */
export interface NoteRecord {
  readonly op: 'note';
  readonly transaction: string;
  readonly committed: boolean;
}

/** What a journal line holds. Each takes one seq: the line's, plus its index. */
export type JournalRecord = ChangeRecord | FlushRecord | PartRecord | NoteRecord;

/** An entry as it stands in a parsed snapshot block. */
export type EntryRecord = ValueMembers & {
  readonly key: string;
  readonly version: number;
  readonly expiresAt?: number;
};

function namespaceMember(namespace: string): string {
  return namespace === defaultNamespace ? '' : `"namespace":${JSON.stringify(namespace)},`;
}

function expiryMember(expiresAt: number | undefined): string {
  return expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
}

function keyText(key: string): string {
  return JSON.stringify(textOfByteString(key));
}

/** @param value as byte string */
function valueMember(value: string): string {
  // One byte a character in UTF-8 means ASCII: by far the most common, and needs no buffer.
  if (Buffer.byteLength(value, 'utf8') === value.length) return `"value":${JSON.stringify(value)}`;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes)
    ? `"value":${JSON.stringify(bytes.toString('utf8'))}`
    : `"valueBase64":"${bytes.toString('base64')}"`;
}

/**
 * @param key and `value` as byte strings
 * @param version where it is not the record's seq
 */
export function encodePut(
  namespace: string,
  key: string,
  value: string,
  expiresAt: number | undefined,
  version?: number,
): string {
  const versionMember = version === undefined ? '' : `,"version":${version}`;
  return `{"op":"put",${namespaceMember(namespace)}"key":${keyText(key)},${valueMember(value)}${expiryMember(expiresAt)}${versionMember}}`;
}

export function encodeDelete(namespace: string, key: string): string {
  return `{"op":"delete",${namespaceMember(namespace)}"key":${keyText(key)}}`;
}

/** @param changes encoded, without versions of their own */
export function encodePart(part: Omit<PartRecord, 'op' | 'changes'>, changes: string[]): string {
  const { transaction, shards, version, flush = [] } = part;
  const flushMember = flush.length === 0 ? '' : `"flush":${JSON.stringify(flush)},`;
  return `{"op":"part","transaction":${JSON.stringify(transaction)},"shards":[${shards.join(',')}],"version":${version},${flushMember}"changes":[${changes.join(',')}]}`;
}

export function encodeFlush(namespace: string): string {
  const member = namespace === defaultNamespace ? '' : `,"namespace":${JSON.stringify(namespace)}`;
  return `{"op":"flush"${member}}`;
}

export function encodeNote(transaction: string, committed: boolean): string {
  return `{"op":"note","transaction":${JSON.stringify(transaction)},"committed":${committed}}`;
}

/** An entry of a snapshot, from a record of either file: its text is taken over as it is. */
export function encodeEntry(record: Omit<EntryRecord, 'version'>, version: number): string {
  const value =
    record.value === undefined
      ? `"valueBase64":"${record.valueBase64 ?? ''}"`
      : `"value":${JSON.stringify(record.value)}`;
  return `{"key":${JSON.stringify(record.key)},"version":${version},${value}${expiryMember(record.expiresAt)}}`;
}

/** An entry of a snapshot from what a shard holds; `key` and `value` as byte strings. */
export function encodeEntryOf(
  key: string,
  version: number,
  value: string,
  expiresAt: number | undefined,
): string {
  return `{"key":${keyText(key)},"version":${version},${valueMember(value)}${expiryMember(expiresAt)}}`;
}

/** The value of a parsed record as byte string. */
export function valueOfRecord(record: ValueMembers): string {
  return record.value === undefined
    ? Buffer.from(record.valueBase64 ?? '', 'base64').toString('latin1')
    : byteStringOfText(record.value);
}

function hasValue(record: object): boolean {
  const { value, valueBase64 } = record as { value?: unknown; valueBase64?: unknown };
  return (typeof value === 'string') !== (typeof valueBase64 === 'string');
}

function hasLawfulExpiry(record: object): boolean {
  const { expiresAt } = record as { expiresAt?: unknown };
  return expiresAt === undefined || Number.isSafeInteger(expiresAt);
}

function isChangeRecord(record: unknown): record is ChangeRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { op, key, namespace, version } = record as Partial<Record<string, unknown>>;
  if (typeof key !== 'string' || (namespace !== undefined && typeof namespace !== 'string')) {
    return false;
  }
  if (op === 'delete') return true;
  const hasLawfulVersion = version === undefined || Number.isSafeInteger(version);
  return op === 'put' && hasLawfulVersion && hasValue(record) && hasLawfulExpiry(record);
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isPartRecord(record: object): boolean {
  const { transaction, shards, version, flush, changes } = record as Partial<
    Record<string, unknown>
  >;
  return (
    typeof transaction === 'string' &&
    Array.isArray(shards) &&
    shards.every(isCount) &&
    Number.isSafeInteger(version) &&
    (flush === undefined || isListOfTexts(flush)) &&
    Array.isArray(changes) &&
    changes.every(isChangeRecord)
  );
}

/** Whether a parsed value has the shape of a record that this version understands. */
export function isJournalRecord(record: unknown): record is JournalRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { op, transaction, committed, namespace } = record as Partial<Record<string, unknown>>;
  if (op === 'flush') return namespace === undefined || typeof namespace === 'string';
  if (op === 'part') return isPartRecord(record);
  if (op === 'note') return typeof transaction === 'string' && typeof committed === 'boolean';
  return isChangeRecord(record);
}

export function isEntryRecord(record: unknown): record is EntryRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { key, version } = record as { key?: unknown; version?: unknown };
  return (
    typeof key === 'string' &&
    Number.isSafeInteger(version) &&
    hasValue(record) &&
    hasLawfulExpiry(record)
  );
}
