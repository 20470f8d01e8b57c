// Parses the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). It is a string of
// structured fields (RFC 9651 section 3.3.3), or the bare text that most clients send.
import { StoreError } from '../../base/errors.ts';

const charactersMax = 255;

/** Visible ASCII except the characters that would make it a list or a quoted text. */
const barePattern = /^[\u{21}\u{23}-\u{2b}\u{2d}-\u{7e}]+$/u;
const quotedPattern = /^"((?:[\u{20}\u{21}\u{23}-\u{5b}\u{5d}-\u{7e}]|\\["\\])+)"$/u;

/**
 * @returns undefined if there is no header
 * @throws StoreError BAD_REQUEST if the header is malformed
 */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = typeof header === 'string' ? header.trim() : '';
  const quoted = quotedPattern.exec(text)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? (barePattern.test(text) ? text : '');
  if (key !== '' && key.length <= charactersMax) return key;
  const detail =
    `Idempotency-Key must be one text of 1 to ${charactersMax} visible ASCII characters: bare, without ` +
    String.raw`" and comma; or in double quotes, with commas and spaces, too, and with \" and \\.`;
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'Idempotency-Key' });
}
