// Checks and decodes keys from the wire: non-empty, valid UTF-8, with a bounded number of bytes.
// Knows no store.
import { StoreError } from '../../../base/errors.ts';
import { byteStringOfText } from '../../../base/byte-string.ts';
import type { HttpRequest } from '../../wire/request-head.ts';
import { nameText, type Mount } from '../../wire/request-target.ts';
import { percentDecode } from '../../wire/percent-decode.ts';

export const keyMount: Mount = {
  prefix: '/v1/keys/',
  route: '/v1/keys/:key',
  target: '/v1/keys/-',
};

function keyInvalid(detail: string, limit?: number): StoreError {
  return new StoreError('KEY_INVALID', detail, { parameter: 'key', limit });
}

function checkedLength(key: string, keyBytesMax: number): string {
  if (key.length === 0) throw keyInvalid('A key must not be empty.');
  if (key.length <= keyBytesMax) return key;
  throw keyInvalid(
    `A key may have at most ${keyBytesMax} bytes of UTF-8; this one has ${key.length}.`,
    keyBytesMax,
  );
}

/** @returns the key of a request under `keyMount`, as a byte string */
export function keyOfRequest(request: HttpRequest, keyBytesMax: number): string {
  const key = percentDecode(nameText(request, keyMount));
  if (key === undefined) throw keyInvalid('A key must be valid percent-encoding of valid UTF-8.');
  return checkedLength(key, keyBytesMax);
}

/** @returns the key of a JSON item, as a byte string */
export function keyOfJson(key: unknown, keyBytesMax: number): string {
  if (typeof key !== 'string') throw keyInvalid('key must be a string.');
  if (!key.isWellFormed()) throw keyInvalid('key must be well-formed Unicode.');
  return checkedLength(byteStringOfText(key), keyBytesMax);
}
