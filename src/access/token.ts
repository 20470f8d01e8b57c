// Owns the text of tokens: `hf_<id>_<secret>`. The id finds a token, and the secret proves it. Only
// the SHA-256 of the whole text is ever stored. Knows no user.
import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

const mark = 'hf_';
const idAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
const idLength = 12;
const secretBytes = 32;
/** 32 bytes in base64url, without padding. */
const secretLength = 43;
const tokenLength = mark.length + idLength + 1 + secretLength;

const idPattern = new RegExp(`^[${idAlphabet}]{${idLength}}$`);

export interface NewToken {
  readonly id: string;
  /** The whole token, for its user alone. */
  readonly text: string;
}

/** A new token with 256 random bits. The caller makes another one if the id is taken. */
export function makeToken(): NewToken {
  const id = Array.from({ length: idLength }, () => idAlphabet[randomInt(idAlphabet.length)]).join(
    '',
  );
  const secret = randomBytes(secretBytes).toString('base64url');
  return { id, text: `${mark}${id}_${secret}` };
}

export function isTokenId(text: string): boolean {
  return idPattern.test(text);
}

/** The id in a token's text; undefined if the server makes no such token. The id proves nothing. */
export function idOfToken(text: string): string | undefined {
  const end = mark.length + idLength;
  if (text.length !== tokenLength || !text.startsWith(mark) || text[end] !== '_') return undefined;
  return text.slice(mark.length, end);
}

/** The SHA-256 of a token as a byte string, in which form it is made fastest. */
export function hashOfToken(text: string): string {
  return hash('sha256', text, 'binary');
}

export const tokenHashLength = 32;

/** A hash that no token has. An unknown token is compared with it, to take as long as a known one. */
export const hashOfNoToken = '\0'.repeat(tokenHashLength);

const first = Buffer.alloc(tokenHashLength);
const second = Buffer.alloc(tokenHashLength);

/** Compares two hashes of tokens in constant time. */
export function areSameHash(one: string, other: string): boolean {
  first.write(one, 'latin1');
  second.write(other, 'latin1');
  return timingSafeEqual(first, second);
}
