// A server that requires a token: the two server tokens, as a test gives them.
import type { TestAccess } from './open-app.ts';

export const fullToken = 'full-token-of-the-test';
export const readToken = 'read-token-of-the-test';

export function closedAccess(changes: TestAccess = {}): TestAccess {
  return { serverTokens: { tokens: [fullToken], readTokens: [readToken] }, ...changes };
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}
