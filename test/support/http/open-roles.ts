// A server with one token of every role, three namespaces and some keys. Two of the namespaces are
// made; tokens are for `own`, or for every namespace. Restores its entries after each request.
import type { GrantDocument } from '../../../src/access/grant.ts';
import type { Access } from '../../../src/access/access.ts';
import { tokenRequest } from '../access/test-access.ts';
import type { ModelStore } from '../stores/model-store.ts';
import { fullToken, readToken } from './closed-access.ts';
import { makeNamespaces, openApp } from './open-app.ts';

/** Callers that are no callers: each is refused alike. */
export const strangers = ['no token', 'unknown', 'revoked', 'expired', 'disabled'] as const;

const prefixes = ['in:'];

const grantOf = {
  read: { namespace: 'own', role: 'read' },
  write: { namespace: 'own', role: 'write' },
  admin: { namespace: 'own', role: 'admin' },
  'read in:': { namespace: 'own', role: 'read', prefixes },
  'write in:': { namespace: 'own', role: 'write', prefixes },
  'admin in:': { namespace: 'own', role: 'admin', prefixes },
  'read *': { namespace: '*', role: 'read' },
  'write *': { namespace: '*', role: 'write' },
  'admin *': { namespace: '*', role: 'admin' },
} satisfies Readonly<Record<string, GrantDocument>>;

export type Role = keyof typeof grantOf | (typeof strangers)[number] | 'TOKEN' | 'READ_TOKEN';

export const grantedRoles = Object.keys(grantOf) as (keyof typeof grantOf)[];

/** All that make a difference, in the order of the columns of a table. */
export const roles: readonly Role[] = [...grantedRoles, 'READ_TOKEN', 'TOKEN'];

/** A token of the right form that the server has not made. */
export const unknownToken = `hf_0123456789ab_${'a'.repeat(43)}`;

const admin: GrantDocument = { namespace: '*', role: 'admin' };

/** Makes the user, if there is none, and a token for it. */
export async function makeToken(
  { administration }: Access,
  user: string,
  grants: readonly GrantDocument[],
  rest: Parameters<typeof tokenRequest>[1] = {},
): Promise<{ readonly id: string; readonly token: string }> {
  await administration.putUser(user, { isDisabled: false });
  return await administration.createToken(user, tokenRequest(grants, rest));
}

async function makeStrangers(access: Access, advance: (ms: number) => void) {
  const revoked = await makeToken(access, 'revoked', [admin]);
  await access.administration.deleteToken('revoked', revoked.id);
  const expiresAt = access.nowMs() + 1;
  const expired = await makeToken(access, 'expired', [admin], { expiresAt });
  advance(1);
  const disabled = await makeToken(access, 'disabled', [admin]);
  await access.administration.putUser('disabled', { isDisabled: true });
  return { revoked: revoked.token, expired: expired.token, disabled: disabled.token };
}

/** Keys that tables use. Only the first two begin with the prefix that some tokens are bound to. */
const keys = ['in:a', 'in:b', 'out:a', 'out:b'];

/**
 * Puts the entries of two namespaces.
 *
 * @returns brings all entries of the store back to the present ones
 */
export function putEntries(model: ModelStore): () => void {
  for (const namespace of ['own', 'foreign']) {
    for (const key of keys) {
      void model.submit({ op: 'put', namespace, key, value: Buffer.from('1') });
    }
  }
  const before = new Map(model.entries);
  return () => {
    model.entries.clear();
    for (const [name, entry] of before) model.entries.set(name, entry);
  };
}

export async function openRoles() {
  const opened = await openApp({
    access: { serverTokens: { tokens: [fullToken], readTokens: [readToken] } },
  });
  const { access, model } = opened;
  const gone = await makeStrangers(access, (ms) => void (model.nowMs += ms));
  await makeNamespaces(access, 'own', 'foreign');
  const tokens = new Map<Role, string | undefined>([
    ['no token', undefined],
    ['unknown', unknownToken],
    ['TOKEN', fullToken],
    ['READ_TOKEN', readToken],
    ...(Object.entries(gone) as [Role, string][]),
  ]);
  for (const role of grantedRoles) {
    // oxlint-disable-next-line no-await-in-loop -- administration makes one change at a time
    const { token } = await makeToken(access, 'ann', [grantOf[role]]);
    tokens.set(role, token);
  }
  const restore = putEntries(model);
  const headersOf = (role: Role): Record<string, string> => {
    const token = tokens.get(role);
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  };
  return { ...opened, tokens, restore, headersOf };
}
