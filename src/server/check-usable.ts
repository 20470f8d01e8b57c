// Refuses to start a server that no client could use: access needs a token, and no token works. A
// restore of a backup without tokens leaves such a store.
import type { Callers } from '../access/callers.ts';
import { SettingError } from '../settings/setting-error.ts';

/**
 * @param nowMs tells Unix milliseconds
 * @throws SettingError that names the ways out
 */
export function checkUsable(callers: Callers, nowMs: () => number, dataDir: string): void {
  if (callers.isOpen || !callers.serverTokens.areEmpty) return;
  for (const token of callers.tokens()) if (token.isValid(nowMs)) return;
  throw new SettingError(
    `the store in ${dataDir} needs a token, it has no valid one, and HOLDFAST_TOKEN is not set; ` +
      'allowed: set HOLDFAST_TOKEN, or let callers without a token in by: ' +
      `holdfast access open ${dataDir}`,
  );
}
