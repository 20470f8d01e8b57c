// Encodes and decodes the records of journals and the entries of snapshots, as JSON. A value of
// UTF-8 text is a string, any other value is base64. A large value whose text would be mostly
// escapes is base64, too. The bytes alone decide, so equal values have equal encodings.
import { isUtf8 } from 'node:buffer';
import { byteStringOfText, textOfByteString } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import { isPlainJson } from '../base/plain-json.ts';
import { isCount } from './is-count.ts';
import { ValueText } from './large-values.ts';

/** The members of a record that hold its value. A valid record has exactly one of them. */
export interface ValueMembers {
  readonly value?: string;
  readonly valueBase64?: string;
  /** In place of the others, if the reader asked for that: the member as JSON. */
  readonly valueText?: ValueText;
}

/** A change of one entry, as a parsed journal line holds it. */
export type ChangeRecord =
  | (ValueMembers & {
      readonly op: 'put';
      readonly namespace?: string;
      readonly key: string;
      readonly expiresAt?: number;
      /**
       * Present if the version is not the record's seq: a transaction fixes its versions in advance.
       */
      readonly version?: number;
    })
  | { readonly op: 'delete'; readonly namespace?: string; readonly key: string };

/** Removes all entries of a namespace. */
export interface FlushRecord {
  readonly op: 'flush';
  readonly namespace?: string;
}

/** One shard's changes of a transaction over several shards. A later outcome applies or drops them. */
export interface PrepareRecord {
  readonly op: 'prepare';
  readonly transaction: string;
  /** Numbers of all shards that the transaction changes, including this one. */
  readonly participants: readonly number[];
  /** Version of all entries that the transaction puts. */
  readonly version: number;
  /** Namespaces to flush before the changes. */
  readonly flush?: readonly string[];
  readonly changes: readonly ChangeRecord[];
}

/** Commits or aborts a prepared transaction. */
export interface OutcomeRecord {
  readonly op: 'commit' | 'abort';
  readonly transaction: string;
}

/** A record of a journal line. Each record takes one seq: the line's seq plus the record's index. */
export type JournalRecord = ChangeRecord | FlushRecord | PrepareRecord | OutcomeRecord;

/** An entry as a parsed snapshot block holds it. */
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
  if (isPlainJson(key)) return `"${key}"`;
  return JSON.stringify(textOfByteString(key));
}

/** Values of at least this many bytes are base64 if most of their JSON text would be escapes. */
const escapedBytesMin = 64 * 1024;

/** @param value a byte string */
function valueMember(value: string): string {
  if (isPlainJson(value)) return `"value":"${value}"`;
  // Other ASCII has one byte a character in UTF-8, too, and needs no buffer.
  if (Buffer.byteLength(value, 'utf8') === value.length) {
    return textMember(value, value) ?? base64Member(Buffer.from(value, 'latin1'));
  }
  const bytes = Buffer.from(value, 'latin1');
  const text = isUtf8(bytes) ? textMember(value, bytes.toString('utf8')) : undefined;
  return text ?? base64Member(bytes);
}

/**
 * @returns undefined if a large value's text would take more than twice its bytes: that bounds memory
 */
function textMember(value: string, text: string): string | undefined {
  const json = JSON.stringify(text);
  if (value.length >= escapedBytesMin && json.length > 2 * value.length) return undefined;
  return `"value":${json}`;
}

function base64Member(bytes: Buffer): string {
  return `"valueBase64":"${bytes.toString('base64')}"`;
}

/**
 * @param key and `value` are byte strings
 * @param version present if it is not the record's seq
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
export function encodePrepare(
  prepare: Omit<PrepareRecord, 'op' | 'changes'>,
  changes: readonly string[],
): string {
  const { transaction, participants, version, flush = [] } = prepare;
  const flushMember = flush.length === 0 ? '' : `"flush":${JSON.stringify(flush)},`;
  return `{"op":"prepare","transaction":${JSON.stringify(transaction)},"participants":[${participants.join(',')}],"version":${version},${flushMember}"changes":[${changes.join(',')}]}`;
}

export function encodeFlush(namespace: string): string {
  const member = namespace === defaultNamespace ? '' : `,"namespace":${JSON.stringify(namespace)}`;
  return `{"op":"flush"${member}}`;
}

export function encodeOutcome(transaction: string, committed: boolean): string {
  const op = committed ? 'commit' : 'abort';
  return `{"op":"${op}","transaction":${JSON.stringify(transaction)}}`;
}

function memberOfValue({ value, valueBase64 = '', valueText }: ValueMembers): string {
  if (valueText !== undefined) return valueText.json;
  return value === undefined
    ? `"valueBase64":"${valueBase64}"`
    : `"value":${JSON.stringify(value)}`;
}

/**
 * Encodes an entry for a snapshot from a parsed record of a journal or snapshot. Keeps the record's
 * text, so a compaction need not convert values.
 */
export function encodeEntry(record: Omit<EntryRecord, 'version'>, version: number): string {
  const value = memberOfValue(record);
  return `{"key":${JSON.stringify(record.key)},"version":${version},${value}${expiryMember(record.expiresAt)}}`;
}

/** Encodes an entry for a snapshot from a shard's table. `key` and `value` are byte strings. */
export function encodeEntryOf(
  key: string,
  version: number,
  value: string,
  expiresAt: number | undefined,
): string {
  return `{"key":${keyText(key)},"version":${version},${valueMember(value)}${expiryMember(expiresAt)}}`;
}

/** @returns the value of a parsed record, as byte string */
export function valueOfRecord(record: ValueMembers): string {
  if (record.valueText !== undefined) {
    return valueOfRecord(JSON.parse(`{${record.valueText.json}}`) as ValueMembers);
  }
  return record.value === undefined
    ? Buffer.from(record.valueBase64 ?? '', 'base64').toString('latin1')
    : byteStringOfText(record.value);
}

function hasValue(record: object): boolean {
  const { value, valueBase64, valueText } = record as Partial<Record<string, unknown>>;
  const isText = typeof value === 'string';
  const isBase64 = typeof valueBase64 === 'string';
  return valueText instanceof ValueText ? !isText && !isBase64 : isText !== isBase64;
}

function hasValidExpiry(record: object): boolean {
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
  const hasValidVersion = version === undefined || Number.isSafeInteger(version);
  return op === 'put' && hasValidVersion && hasValue(record) && hasValidExpiry(record);
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isPrepareRecord(record: object): boolean {
  const { transaction, participants, version, flush, changes } = record as Partial<
    Record<string, unknown>
  >;
  return (
    typeof transaction === 'string' &&
    Array.isArray(participants) &&
    participants.every(isCount) &&
    Number.isSafeInteger(version) &&
    (flush === undefined || isListOfTexts(flush)) &&
    Array.isArray(changes) &&
    changes.every(isChangeRecord)
  );
}

export function isOutcomeRecord(record: JournalRecord): record is OutcomeRecord {
  return record.op === 'commit' || record.op === 'abort';
}

/** True if this version knows the record's shape. */
export function isJournalRecord(record: unknown): record is JournalRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { op, transaction, namespace } = record as Partial<Record<string, unknown>>;
  if (op === 'flush') return namespace === undefined || typeof namespace === 'string';
  if (op === 'prepare') return isPrepareRecord(record);
  if (op === 'commit' || op === 'abort') return typeof transaction === 'string';
  return isChangeRecord(record);
}

export function isEntryRecord(record: unknown): record is EntryRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { key, version } = record as { key?: unknown; version?: unknown };
  return (
    typeof key === 'string' &&
    Number.isSafeInteger(version) &&
    hasValue(record) &&
    hasValidExpiry(record)
  );
}
