// The pieces of JSON that replies are put together from. By hand, since values go out once and
// large: no object is made only to be serialised.
import { isUtf8 } from 'node:buffer';
import { textOfByteString } from '../../base/byte-string.ts';

/** The type that JSON replies are sent as; JSON has no charset parameter (RFC 8259). */
export const jsonMediaType = 'application/json';

/** The same bytes, not a copy. */
export function bufferOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** `"value":…` where the value is UTF-8 text, `"valueBase64":…` where not. */
export function valueMember(value: Uint8Array): string {
  const bytes = bufferOf(value);
  if (isUtf8(bytes)) return `"value":${JSON.stringify(bytes.toString('utf8'))}`;
  return `"valueBase64":"${bytes.toString('base64')}"`;
}

export function keyMember(key: string): string {
  return `"key":${JSON.stringify(textOfByteString(key))}`;
}
