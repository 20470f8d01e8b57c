// Refuses to start a server whose operator has given it the token of a user as one of its own. That
// user could then do everything.
import type { Callers } from '../access/callers.ts';
import { idOfToken } from '../access/token.ts';
import { SettingError } from '../settings/setting-error.ts';
import type { ServerTokenTexts } from '../settings/server-tokens.ts';

/** @throws SettingError that names the user, and shows no token */
export function refuseTokensOfUsers(
  callers: Callers,
  { tokens, readTokens }: ServerTokenTexts,
): void {
  for (const text of [...tokens, ...readTokens]) {
    const known = callers.token(idOfToken(text) ?? '');
    if (known === undefined) continue;
    throw new SettingError(
      `a token of HOLDFAST_TOKEN or HOLDFAST_READ_TOKEN (not shown) is that of the user ` +
        `${JSON.stringify(known.user)}, and would give it the rights of the server; allowed: tokens ` +
        'of no user, as `holdfast token new` prints them',
    );
  }
}
