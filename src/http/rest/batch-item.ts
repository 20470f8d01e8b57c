// Reads one item of a batch: JSON taken as it is, nothing coerced, nothing ignored. Each thing
// that is wrong is a StoreError, which then is the result of this item alone.
import { defaultNamespace as namespace } from '../../base/default-namespace.ts';
import { conditionVersionsMax } from '../../base/limits.ts';
import { StoreError } from '../../base/errors.ts';
import type { Conditions, Operation, VersionMatch } from '../../store/operation.ts';
import { keyOfJson } from './key.ts';
import { ttlOfJson } from './ttl.ts';

export interface BatchItemLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

/** An operation, and the conditions that the front end judges itself: those of a read. */
export interface BatchItem {
  readonly operation: Operation;
  readonly readConditions: Conditions | undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

const readMembers = new Set(['op', 'key', 'ifMatch', 'ifNoneMatch']);
const membersOfOp: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ['get', readMembers],
  ['put', new Set([...readMembers, 'value', 'valueBase64', 'ttl'])],
  ['delete', readMembers],
]);

const loneSurrogate = /\p{Surrogate}/u;

function malformed(member: string, detail: string): StoreError {
  return new StoreError('BAD_REQUEST', detail, { parameter: member });
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function refuseUnknownMembers(item: JsonObject): void {
  const known = membersOfOp.get(item['op']);
  if (known === undefined) throw malformed('op', 'op must be "get", "put" or "delete".');
  for (const name of Object.keys(item)) {
    if (known.has(name)) continue;
    const allowed = [...known].join(', ');
    const shown = JSON.stringify(name.slice(0, 64));
    throw malformed(name, `There is no member ${shown} here; allowed: ${allowed}.`);
  }
}

function isVersion(json: unknown): json is number {
  return Number.isSafeInteger(json) && Number(json) > 0;
}

function matchOf(item: JsonObject, member: 'ifMatch' | 'ifNoneMatch'): VersionMatch | undefined {
  const json = item[member];
  if (json === undefined || json === '*') return json;
  const versions: unknown[] = Array.isArray(json) ? json : [json];
  const isLawful = versions.length > 0 && versions.length <= conditionVersionsMax;
  if (isLawful && versions.every(isVersion)) return versions;
  const lists = `a list of 1 to ${conditionVersionsMax} versions`;
  throw malformed(member, `${member} must be a version, ${lists}, or "*".`);
}

function valueTooLarge(valueBytesMax: number): StoreError {
  const detail = `A value may have at most ${valueBytesMax} bytes.`;
  return new StoreError('VALUE_TOO_LARGE', detail, { limit: valueBytesMax });
}

function bytesOfText(value: unknown): Buffer {
  if (typeof value !== 'string') throw malformed('value', 'value must be a string.');
  if (loneSurrogate.test(value)) throw malformed('value', 'value must be well-formed Unicode.');
  return Buffer.from(value, 'utf8');
}

function bytesOfBase64(value: unknown): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64');
    // Decoding takes more than one text for some bytes; only the one it would write is taken.
    if (bytes.toString('base64') === value) return bytes;
  }
  throw malformed('valueBase64', 'valueBase64 must be base64 with padding (RFC 4648 section 4).');
}

function valueOf(item: JsonObject, valueBytesMax: number): Buffer {
  const { value, valueBase64 } = item;
  if ((value === undefined) === (valueBase64 === undefined)) {
    throw malformed('value', 'A put has either value or valueBase64.');
  }
  const bytes = value === undefined ? bytesOfBase64(valueBase64) : bytesOfText(value);
  if (bytes.length > valueBytesMax) throw valueTooLarge(valueBytesMax);
  return bytes;
}

/**
 * @param nowMs for times to live that would end beyond all numbers
 * @throws StoreError naming what is wrong with the item
 */
export function parseBatchItem(json: unknown, limits: BatchItemLimits, nowMs: number): BatchItem {
  if (!isObject(json)) throw malformed('operations', 'An operation must be an object.');
  refuseUnknownMembers(json);
  const key = keyOfJson(json['key'], limits.keyBytesMax);
  const ifMatch = matchOf(json, 'ifMatch');
  const ifNoneMatch = matchOf(json, 'ifNoneMatch');
  if (json['op'] === 'get') {
    const none = ifMatch === undefined && ifNoneMatch === undefined;
    const readConditions = none ? undefined : { ifMatch, ifNoneMatch };
    return { operation: { op: 'get', namespace, key }, readConditions };
  }
  if (json['op'] === 'delete') {
    const operation = { op: 'delete', namespace, key, ifMatch, ifNoneMatch } as const;
    return { operation, readConditions: undefined };
  }
  const ttlMs = json['ttl'] === undefined ? undefined : ttlOfJson(json['ttl'], nowMs);
  const value = valueOf(json, limits.valueBytesMax);
  const operation = { op: 'put', namespace, key, value, ttlMs, ifMatch, ifNoneMatch } as const;
  return { operation, readConditions: undefined };
}
