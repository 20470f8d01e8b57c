// Makes a token that the operator gives to a server. Knows neither the server nor a user: tokens
// that the server itself makes begin with `hf_` and carry an id.
import { randomBytes } from 'node:crypto';

const tokenBytes = 32;

/** As the first character, `-` looks like a flag. */
const isPlain = (token: string): boolean => /^[A-Za-z0-9]/.test(token) && !token.startsWith('hf_');

/**
 * 43 characters of base64url (RFC 4648) from 256 random bits.
 *
 * @param random gives so many random bytes
 */
export function newToken(random: (bytes: number) => Buffer = randomBytes): string {
  for (;;) {
    const token = random(tokenBytes).toString('base64url');
    if (isPlain(token)) return token;
  }
}
