// A server that requires a token: the two tokens of the environment, as a test gives them.
import { Callers } from '../../../src/access/callers.ts';
import { ServerTokens } from '../../../src/access/server-tokens.ts';
import type { AccessOptions } from '../../../src/http/app.ts';
import { openAccess } from './open-app.ts';

export const fullToken = 'full-token-of-the-test';
export const readToken = 'read-token-of-the-test';

export function closedAccess(changes: Partial<AccessOptions> = {}): AccessOptions {
  const tokens = new ServerTokens({ tokens: [fullToken], readTokens: [readToken] });
  return openAccess({ callers: new Callers(tokens), ...changes });
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}
