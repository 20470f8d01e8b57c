// Builds the pieces of JSON that replies consist of. The pieces are concatenated by hand, because
// values are large and leave once: an object would be made only to be serialised.
import { isUtf8 } from 'node:buffer';
import { bufferOf, textOfByteString } from '../../../base/byte-string.ts';

/** The media type of JSON replies; JSON has no charset parameter (RFC 8259). */
export const jsonMediaType = 'application/json';

/** `"value":…` if the value is UTF-8 text, else `"valueBase64":…`. */
export function valueMember(value: Uint8Array): string {
  const bytes = bufferOf(value);
  if (isUtf8(bytes)) return `"value":${JSON.stringify(bytes.toString('utf8'))}`;
  return `"valueBase64":"${bytes.toString('base64')}"`;
}

export function keyMember(key: string): string {
  return `"key":${JSON.stringify(textOfByteString(key))}`;
}
