// Entries and changes as JSON members, the same in journal and snapshot. A value that is UTF-8
// text stands as a string, any other as base64; which of the two is decided by the bytes alone.
import { isUtf8 } from 'node:buffer';
import { byteStringOfText, textOfByteString } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';

/** A value as it stands in a parsed line. */
export interface ValueMembers {
  readonly value?: string;
  readonly valueBase64?: string;
}

/** A change as it stands in a parsed journal line. Its version is the line's seq plus its index. */
export type ChangeRecord =
  | (ValueMembers & {
      readonly op: 'put';
      readonly namespace?: string;
      readonly key: string;
      readonly expiresAt?: number;
    })
  | { readonly op: 'delete'; readonly namespace?: string; readonly key: string };

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

/** @param key and `value` as byte strings */
export function encodePut(
  namespace: string,
  key: string,
  value: string,
  expiresAt: number | undefined,
): string {
  return `{"op":"put",${namespaceMember(namespace)}"key":${keyText(key)},${valueMember(value)}${expiryMember(expiresAt)}}`;
}

export function encodeDelete(namespace: string, key: string): string {
  return `{"op":"delete",${namespaceMember(namespace)}"key":${keyText(key)}}`;
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

/** Whether a parsed value has the shape of a change this version understands. */
export function isChangeRecord(record: unknown): record is ChangeRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { op, key, namespace } = record as { op?: unknown; key?: unknown; namespace?: unknown };
  if (typeof key !== 'string' || (namespace !== undefined && typeof namespace !== 'string')) {
    return false;
  }
  return op === 'delete' || (op === 'put' && hasValue(record) && hasLawfulExpiry(record));
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
