// Users, tokens and namespaces as text for a person. No secret is in it.
import type { NamespaceView, TokenView, UserView } from '../../access/views.ts';
import { grantsText } from './grant-option.ts';
import { ratesText } from './rate-option.ts';
import { textTable } from '../text-table.ts';

/** @param ms Unix milliseconds; undefined: never */
export function timeText(ms: number | undefined): string {
  if (ms === undefined) return 'never';
  const time = new Date(ms);
  // A token may expire beyond the years that JavaScript can print.
  return Number.isNaN(time.getTime()) ? `${ms} ms` : time.toISOString().replace(/\.\d+Z$/, 'Z');
}

export function usersText(users: readonly UserView[]): string {
  const rows = users.map(({ name, disabled, createdAt }) => [
    name,
    disabled ? 'disabled' : 'enabled',
    timeText(createdAt),
  ]);
  return textTable([['USER', 'STATE', 'CREATED'], ...rows]);
}

export function tokensText(tokens: readonly TokenView[]): string {
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    timeText(token.createdAt),
    timeText(token.lastUsedAt),
    timeText(token.expiresAt),
    ratesText(token),
    grantsText(token.grants),
  ]);
  return textTable([['ID', 'NAME', 'CREATED', 'LAST USED', 'EXPIRES', 'RATES', 'GRANTS'], ...rows]);
}

export function namespacesText(namespaces: readonly NamespaceView[]): string {
  const rows = namespaces.map(({ name, keys, bytes, keysMax, bytesMax, audit, createdAt }) => [
    name,
    String(keys),
    String(bytes),
    String(keysMax ?? 'none'),
    String(bytesMax ?? 'none'),
    audit,
    timeText(createdAt),
  ]);
  const titles = ['NAMESPACE', 'KEYS', 'BYTES', 'KEYS MAX', 'BYTES MAX', 'AUDIT', 'CREATED'];
  return textTable([titles, ...rows]);
}
