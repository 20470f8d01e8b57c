// Defines the replies of commands, and their errors. Knows no protocol: a front end writes a reply
// as RESP or JSON.

/**
 * The types of RESP 2 (Redis serialization protocol specification). Texts are byte strings
 * (src/base/byte-string.ts).
 */
export type Reply =
  | { readonly kind: 'status'; readonly text: string }
  /** null: there is no value. */
  | { readonly kind: 'bulk'; readonly value: string | null }
  /** Signed, 64 bits: a bigint only if a number would not be exact. */
  | { readonly kind: 'integer'; readonly value: number | bigint }
  | { readonly kind: 'array'; readonly items: readonly Reply[] | null }
  /** The code comes first: `ERR no such key`. Never contains a line break. */
  | { readonly kind: 'error'; readonly message: string };

export const ok: Reply = { kind: 'status', text: 'OK' };
export const nil: Reply = { kind: 'bulk', value: null };
export const zero: Reply = { kind: 'integer', value: 0 };
export const one: Reply = { kind: 'integer', value: 1 };

export function status(text: string): Reply {
  return { kind: 'status', text };
}

export function bulk(value: string | null | undefined): Reply {
  return { kind: 'bulk', value: value ?? null };
}

export function integer(value: number | bigint): Reply {
  if (typeof value === 'number') return { kind: 'integer', value };
  const asNumber = Number(value);
  return { kind: 'integer', value: Number.isSafeInteger(asNumber) ? asNumber : value };
}

export function array(items: readonly Reply[]): Reply {
  return { kind: 'array', items };
}

function isBreak(character: string): boolean {
  return character === '\r' || character === '\n';
}

/** Cleans the text as Redis does: drops line breaks at its end, and turns others into spaces. */
export function error(text: string): Reply & { readonly kind: 'error' } {
  let end = text.length;
  while (end > 0 && isBreak(text.charAt(end - 1))) end -= 1;
  return { kind: 'error', message: `ERR ${text.slice(0, end).replace(/[\r\n]/g, ' ')}` };
}

/**
 * Ends a command from within. The command changes nothing and answers with this error. The message
 * lacks the code, as in `syntax error`.
 */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

export const notAnInteger = 'value is not an integer or out of range';
export const tooLong = 'string exceeds maximum allowed size (proto-max-bulk-len)';

export function syntaxError(): RedisError {
  return new RedisError('syntax error');
}

export function wrongArity(name: string): RedisError {
  return new RedisError(`wrong number of arguments for '${name}' command`);
}
