// Reads a grant as typed: NAMESPACE:ROLE or NAMESPACE:ROLE:PREFIX,PREFIX. Prints grants in the same
// form. src/access/grant.ts judges all of a grant but the role, which an error shows as typed.
import { roles, type GrantDocument } from '../../access/grant.ts';
import type { JsonObject } from '../../base/json-object.ts';
import { usageError } from '../command-error.ts';

export const grantForm = 'NAMESPACE:ROLE[:PREFIX,…]';

/** A prefix may have colons. Before a comma or a backslash that is part of it stands a backslash. */
export function parseGrant(typed: string): JsonObject {
  const [, namespace, role, prefixes] = /^([^:]+):([^:]+)(?::(.*))?$/s.exec(typed) ?? [];
  if (namespace === undefined || role === undefined) {
    throw usageError(
      `--grant is ${JSON.stringify(typed)}; allowed: ${grantForm}, such as app:write, *:read or ` +
        'app:write:user:,cart:',
    );
  }
  if (!(roles as readonly string[]).includes(role)) {
    throw usageError(
      `--grant ${JSON.stringify(typed)} has the role ${JSON.stringify(role)}; allowed: ` +
        roles.join(', '),
    );
  }
  if (prefixes === undefined) return { namespace, role };
  return { namespace, role, prefixes: prefixesOf(prefixes) };
}

function prefixesOf(text: string): string[] {
  const prefixes = [''];
  for (const [part] of text.matchAll(/\\[\\,]|./gsu)) {
    if (part === ',') prefixes.push('');
    else prefixes.push((prefixes.pop() ?? '') + part.replace(/^\\(?=.)/s, ''));
  }
  return prefixes;
}

export function grantText({ namespace, role, prefixes }: GrantDocument): string {
  const typed = prefixes?.map((prefix) => prefix.replaceAll(/[\\,]/g, String.raw`\$&`)).join(',');
  return `${namespace}:${role}${typed === undefined ? '' : `:${typed}`}`;
}

export function grantsText(grants: readonly GrantDocument[]): string {
  return grants.map(grantText).join(' ');
}
