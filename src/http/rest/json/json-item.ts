// Reads the members that items of batches and transactions share: values, versions, times to live.
// Knows no list and no request.
import { StoreError } from '../../../base/errors.ts';
import { badMember, type JsonObject } from '../../../base/json-object.ts';
import { ttlOfJson } from '../keys/ttl.ts';

export interface ItemRules {
  /** The namespace of the request, which no item can leave. */
  readonly namespace: string;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

export function isVersion(json: unknown): json is number {
  return Number.isSafeInteger(json) && Number(json) > 0;
}

function bytesOfText(value: unknown): Buffer {
  if (typeof value !== 'string') throw badMember('value', 'value must be a string.');
  if (!value.isWellFormed()) throw badMember('value', 'value must be well-formed Unicode.');
  return Buffer.from(value, 'utf8');
}

function bytesOfBase64(value: unknown): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64');
    // The decoder accepts several texts for the same bytes. Only the canonical text is valid here.
    if (bytes.toString('base64') === value) return bytes;
  }
  throw badMember('valueBase64', 'valueBase64 must be base64 with padding (RFC 4648 section 4).');
}

/** The bytes of an item that has one of `value` and `valueBase64`. */
export function valueOfItem({ value, valueBase64 }: JsonObject): Buffer {
  return value === undefined ? bytesOfBase64(valueBase64) : bytesOfText(value);
}

/**
 * The value that a put writes, and its time to live in milliseconds.
 *
 * @param nowMs bounds a time to live: its deadline must be an exact number
 */
export function putMembersOf(
  item: JsonObject,
  valueBytesMax: number,
  nowMs: number,
): { readonly value: Buffer; readonly ttlMs: number | undefined } {
  const ttlMs = item['ttl'] === undefined ? undefined : ttlOfJson(item['ttl'], nowMs);
  if ((item['value'] === undefined) === (item['valueBase64'] === undefined)) {
    throw badMember('value', 'A put has either value or valueBase64.');
  }
  const value = valueOfItem(item);
  if (value.length > valueBytesMax) {
    const detail = `A value may have at most ${valueBytesMax} bytes.`;
    throw new StoreError('VALUE_TOO_LARGE', detail, { limit: valueBytesMax });
  }
  return { value, ttlMs };
}
