// The rights of a request that waits are judged when it is answered, and from time to time.
import { expect, test } from 'vitest';
import { bearer, closedAccess, fullToken } from '../../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../../support/http/open-app.ts';
import { makeToken } from '../../../support/http/open-roles.ts';
import { ask, askWaiting, factsOf } from '../../../support/http/waiting-requests.ts';

const key = '/v1/keys/a';

async function openClosed() {
  const opened = await openApp({ access: closedAccess() });
  const { access, model } = opened;
  await makeNamespaces(access, 'own');
  const expiresAt = access.nowMs() + 1000;
  const grants = [{ namespace: 'own', role: 'read', prefixes: ['a'] }] as const;
  const { id, token } = await makeToken(access, 'ann', grants, { expiresAt });
  const ofToken = { headers: bearer(token) };
  const { reply } = await askWaiting(opened, key, ofToken);
  const change = (): void => {
    void model.submit({ op: 'put', namespace: 'own', key: 'a', value: Buffer.from('secret') });
  };
  return { ...opened, id, ofToken, reply, change };
}

type Closed = Awaited<ReturnType<typeof openClosed>>;

const revoke = ({ access, id }: Closed): Promise<void> =>
  access.administration.deleteToken('ann', id);

const ends: readonly (readonly [string, (opened: Closed) => Promise<unknown> | void])[] = [
  ['its token is revoked', revoke],
  ['its user is deleted', ({ access }) => access.administration.deleteUser('ann')],
  [
    'its user is disabled',
    ({ access }) => access.administration.putUser('ann', { isDisabled: true }),
  ],
  ['its token expires', ({ model }) => void (model.nowMs += 1000)],
];

test.each(ends)('a waiting client gets 401 once %s', async (_, end) => {
  const opened = await openClosed();
  await end(opened);
  const { status, headers } = await opened.reply;
  expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(opened.app.waits.count).toBe(0);
});

test.each(ends)('a change right behind is not told to it: %s', async (_, end) => {
  const opened = await openClosed();
  await end(opened);
  opened.change();
  expect(await factsOf(opened.reply)).toMatchObject({
    status: 401,
    text: expect.not.stringContaining('secret') as string,
  });
});

test('a change is told to a client that still has them', async () => {
  const opened = await openClosed();
  opened.change();
  expect(await factsOf(opened.reply)).toMatchObject({ status: 200, text: 'secret' });
});

test.each([
  ['another key', '/v1/keys/b', 403],
  ['another namespace', '/ns/other/v1/keys/a', 403],
])('%s is refused at once', async (_, path, status) => {
  const opened = await openClosed();
  expect((await ask(opened, path, opened.ofToken)).status).toBe(status);
});

test('a wait in a namespace that was not made is refused at once', async () => {
  const opened = await openClosed();
  const reply = await ask(opened, '/ns/none/v1/keys/a', { headers: bearer(fullToken) });
  expect(await reply.json()).toMatchObject({ code: 'NAMESPACE_NOT_FOUND' });
});
