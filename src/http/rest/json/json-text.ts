// Builds the pieces of JSON that replies consist of. Concatenates them by hand: values are large
// and leave once, so an object would only cost memory.
import { isUtf8 } from 'node:buffer';
import { bufferOf, textOfByteString } from '../../../base/byte-string.ts';

/** `"value":…` if the value is UTF-8 text, else `"valueBase64":…`. */
export function valueMember(value: Uint8Array): string {
  const bytes = bufferOf(value);
  if (isUtf8(bytes)) return `"value":${JSON.stringify(bytes.toString('utf8'))}`;
  return `"valueBase64":"${bytes.toString('base64')}"`;
}

export function keyMember(key: string): string {
  return `"key":${JSON.stringify(textOfByteString(key))}`;
}
