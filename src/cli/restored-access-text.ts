// Says who may use a store that was restored or repaired. No secret is in the text.
import { timeText } from './admin/admin-text.ts';
import { grantsText } from './admin/grant-option.ts';
import { shellWord } from './damage-advice.ts';
import type { RestoredAccess, RestoredToken } from './restored-access.ts';
import { tokenVariable } from './setting-spelling.ts';
import { textTable } from './text-table.ts';

/** @returns whole lines */
export function restoredAccessText(dataDir: string, access: RestoredAccess): string {
  const { tokens, options } = access;
  const isRevoked = options.revokesTokens && tokens.length > 0;
  const kept = isRevoked ? [] : tokens;
  const revoked = isRevoked ? `all tokens are revoked: ${tokens.length}\n` : '';
  const table = kept.length === 0 ? '' : tableOf(kept);
  const work = kept.some(({ isUserDisabled }) => !isUserDisabled);
  return revoked + lineOf(dataDir, options.isOpen, work) + table;
}

/** @param hasTokens true if one of the tokens that follow may work */
function lineOf(dataDir: string, isOpen: boolean, hasTokens: boolean): string {
  if (isOpen) {
    const later = hasTokens ? '. These tokens count again once another one is made:' : '';
    return `a server on it needs no token${later}\n`;
  }
  if (hasTokens)
    return `a server on it needs a token: that of ${tokenVariable}, or one of these:\n`;
  const open = `holdfast access open ${shellWord(dataDir)}`;
  return `a server on it needs ${tokenVariable}; to let callers in without a token: ${open}\n`;
}

function tableOf(tokens: readonly RestoredToken[]): string {
  const rows = tokens.map(({ id, user, name, grants, expiresAt, isUserDisabled }) => [
    id,
    isUserDisabled ? `${user} (disabled)` : user,
    name,
    timeText(expiresAt),
    grantsText(grants),
  ]);
  return textTable([['ID', 'USER', 'NAME', 'EXPIRES', 'GRANTS'], ...rows]);
}
