// Requests of one connection, which may carry the tokens of several users: a proxy shares
// connections among them. A proof that the server has made for one request must not count for another.
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { bearer, closedAccess, fullToken, readToken } from '../../support/http/closed-access.ts';
import { openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { parseReplies } from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';

/** One connection. Each request is sent when the reply to the one before it has come. */
function connectOnce(port: number) {
  const socket = connectToPort(port);
  onTestFinished(() => void socket.destroy());
  return async (authorization: string | undefined, target = '/v1/whoami') => {
    const header = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`;
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`);
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    const [reply] = parseReplies(bytes.toString('latin1'));
    if (reply === undefined) throw new Error('the server has closed the connection');
    const { user } = JSON.parse(reply.body) as { readonly user?: string };
    return reply.status === 200 ? user : reply.status;
  };
}

async function openWithUsers() {
  const opened = await openApp({ access: closedAccess() });
  const { access, model, port } = opened;
  const grants = [{ namespace: 'default', role: 'read' }] as const;
  const expiresAt = access.nowMs() + 1000;
  const ann = await makeToken(access, 'ann', grants, { expiresAt });
  const bob = await makeToken(access, 'bob', grants);
  return { access, model, ann, bob, ask: connectOnce(port) };
}

const header = (token: string): string => bearer(token).authorization;

test('each request of a connection acts for the user of its own token', async () => {
  const { ask, ann, bob } = await openWithUsers();
  for (const [token, user] of [
    [ann.token, 'ann'],
    [ann.token, 'ann'],
    [bob.token, 'bob'],
    [fullToken, '~token'],
    [readToken, '~read-token'],
    [ann.token, 'ann'],
  ] as const) {
    expect(await ask(header(token))).toBe(user);
  }
});

test('a request that follows a valid one needs a valid token of its own', async () => {
  const { ask, ann } = await openWithUsers();
  const last = ann.token.at(-1) === 'A' ? 'B' : 'A';
  for (const other of [
    undefined,
    header(`${ann.token.slice(0, -1)}${last}`),
    header(`x${ann.token.slice(1)}`),
    header(ann.token.slice(0, -1)),
    header(`${ann.token}A`),
    // One byte on the wire, and another one in a comparison that would cut it.
    header(`${ann.token.slice(0, -1)}\u{ff}`),
    `Basic  ${ann.token}`,
    'Bearer',
  ]) {
    expect(await ask(header(ann.token))).toBe('ann');
    expect([other, await ask(other)]).toEqual([other, 401]);
  }
});

const inQuery = (token: string): string => `/upstash/ping?_token=${token}`;

test('a token in the query counts for its request alone', async () => {
  const { ask, ann, bob } = await openWithUsers();
  expect(await ask(header(ann.token))).toBe('ann');
  // The reply names no user.
  expect(await ask(undefined, inQuery(bob.token))).toBeUndefined();
  expect(await ask(header(ann.token), inQuery(ann.token))).toBeUndefined();
  expect(await ask(header(ann.token), inQuery(bob.token))).toBe(401);
  expect(await ask(undefined)).toBe(401);
  expect(await ask(header(ann.token))).toBe('ann');
});

type Opened = Awaited<ReturnType<typeof openWithUsers>>;

const ends: readonly (readonly [string, (opened: Opened) => unknown])[] = [
  ['is revoked', ({ access, ann }) => access.administration.deleteToken('ann', ann.id)],
  ['has expired', ({ model }) => (model.nowMs += 1000)],
  ['belongs to a deleted user', ({ access }) => access.administration.deleteUser('ann')],
  [
    'belongs to a disabled user',
    ({ access }) => access.administration.putUser('ann', { isDisabled: true }),
  ],
];

test.each(ends)('a token that %s is refused on a connection that it has used', async (_, end) => {
  const opened = await openWithUsers();
  const { ask, ann } = opened;
  expect(await ask(header(ann.token))).toBe('ann');
  await end(opened);
  expect(await ask(header(ann.token))).toBe(401);
});

test('a token of an enabled user works again on a connection that it has used', async () => {
  const { ask, ann, access } = await openWithUsers();
  expect(await ask(header(ann.token))).toBe('ann');
  await access.administration.putUser('ann', { isDisabled: true });
  expect(await ask(header(ann.token))).toBe(401);
  await access.administration.putUser('ann', { isDisabled: false });
  expect(await ask(header(ann.token))).toBe('ann');
});
