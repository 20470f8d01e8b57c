// Owns the form of a record of the audit log: one line of JSON. A record has names, versions and
// outcomes, and has no member for a value or a token's text.
import { isObject } from '../base/json-object.ts';

/**
 * `applied`: the change is made. `not-applied`: nothing was changed. `unknown`: the server cannot tell.
 * `denied`: the caller may not do it. `read`: the answer was given, and nothing is changed.
 */
export type AuditOutcome = 'applied' | 'not-applied' | 'unknown' | 'denied' | 'read';

/** Keys and prefixes are text, not byte strings. */
export interface AuditRecord {
  readonly requestId: string;
  /** Null on a server that needs no token, and for a caller that it does not know. */
  readonly user: string | null;
  /** The name of the user's token. */
  readonly token?: string | undefined;
  readonly tokenId?: string | undefined;
  readonly namespace?: string | undefined;
  /** An operation (`put`), a command in capitals (`SET`), or one of administration (`user.put`). */
  readonly action: string;
  readonly key?: string | undefined;
  /** In place of `key`, if the action is about several keys at once. */
  readonly keys?: readonly string[] | undefined;
  /** Of a listing. */
  readonly prefix?: string | undefined;
  /** The user, or the user's token, that an action of administration is about. */
  readonly target?: string | undefined;
  /** The version that stood there before; 0 if there was no entry. Absent if it is not known. */
  readonly oldVersion?: number | undefined;
  /** The version that stands there since; 0 if there is no entry. Absent if it is not known. */
  readonly newVersion?: number | undefined;
  readonly outcome: AuditOutcome;
  /** The code of the error, if the action has failed. */
  readonly error?: string | undefined;
  /** Requests that the record stands for; absent for one. */
  readonly count?: number | undefined;
}

/** A record as it stands in a file. */
export interface StoredAuditRecord extends AuditRecord {
  /** ISO 8601, in UTC, with milliseconds. */
  readonly at: string;
}

/** Text that is its own JSON, apart from the quotes. */
const plain = /^[ !#-[\]-~]*$/;

/** The text of a member, and nothing for an absent one. A record has many; an object of them costs more. */
function textMember(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  return plain.test(value) ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`;
}

function numberMember(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
}

/**
 * The members in the order in which people read them. Each audited request comes through here, so the text
 * is put together at once.
 */
export function lineOfRecord(at: string, record: AuditRecord): string {
  const { keys, user } = record;
  return (
    `{"at":"${at}"` +
    textMember('requestId', record.requestId) +
    (user === null ? ',"user":null' : textMember('user', user)) +
    textMember('token', record.token) +
    textMember('tokenId', record.tokenId) +
    textMember('namespace', record.namespace) +
    textMember('action', record.action) +
    textMember('key', record.key) +
    (keys === undefined ? '' : `,"keys":${JSON.stringify(keys)}`) +
    textMember('prefix', record.prefix) +
    textMember('target', record.target) +
    numberMember('oldVersion', record.oldVersion) +
    numberMember('newVersion', record.newVersion) +
    textMember('outcome', record.outcome) +
    textMember('error', record.error) +
    numberMember('count', record.count) +
    '}\n'
  );
}

/** @returns undefined if the line is no record, as the line of a process that was killed may be */
export function recordOfLine(line: string): StoredAuditRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isRecord(json) ? json : undefined;
}

function isRecord(json: unknown): json is StoredAuditRecord {
  return (
    isObject(json) &&
    typeof json['at'] === 'string' &&
    typeof json['action'] === 'string' &&
    typeof json['outcome'] === 'string'
  );
}
