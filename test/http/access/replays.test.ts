// Kept answers, asked for by callers that they are not for: other users, other namespaces, and callers
// that have lost the right since.
import { expect, test } from 'vitest';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { HeldStore } from '../../support/stores/held-store.ts';

const write: GrantDocument = { namespace: 'app', role: 'write' };

interface Init {
  readonly method?: string;
  readonly body?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

async function openOnce() {
  const model = new HeldStore();
  const clock = { wallMs: () => model.nowMs, monotonicMs: () => performance.now() };
  const opened = await openApp({ store: model, clock, access: closedAccess() });
  const { url, access } = opened;
  await makeNamespaces(access, 'app', 'other');
  const ann = await makeToken(access, 'ann', [write, { namespace: 'other', role: 'write' }]);
  const ben = await makeToken(access, 'ben', [write]);
  const send = async (token: string, target: string, init: Init = {}) => {
    const headers = { ...bearer(token), 'idempotency-key': 'k', ...init.headers };
    const reply = await fetch(url + target, { method: 'PUT', body: 'v', ...init, headers });
    const isReplay = reply.headers.get('idempotent-replayed') === 'true';
    return { status: reply.status, isReplay, text: await reply.text() };
  };
  return { ...opened, model, ann, ben, send };
}

const target = '/v1/keys/a';
const done = { status: 201, isReplay: false };
const replay = { status: 201, isReplay: true };

test('an answer is replayed to the user that asked, by any of its tokens', async () => {
  const { send, ann, access } = await openOnce();
  const second = await makeToken(access, 'ann', [write]);
  expect(await send(ann.token, target)).toMatchObject(done);
  expect(await send(ann.token, target)).toMatchObject(replay);
  expect(await send(second.token, target)).toMatchObject(replay);
  expect(await send(ann.token, `/ns/app${target}`)).toMatchObject(replay);
  const headers = { 'holdfast-namespace': 'app' };
  expect(await send(ann.token, target, { headers })).toMatchObject(replay);
});

test('another user with the same key and request is carried out on its own', async () => {
  const { send, ann, ben } = await openOnce();
  expect(await send(ann.token, target)).toMatchObject(done);
  expect(await send(ben.token, target)).toMatchObject({ status: 204, isReplay: false });
  expect(await send(fullToken, `/ns/app${target}`)).toMatchObject({ status: 204, isReplay: false });
  expect(await send(ann.token, target)).toMatchObject(replay);
});

test('another user learns of no key that is used for another request, or in flight', async () => {
  const { send, ann, ben, model } = await openOnce();
  model.hold();
  const first = send(ann.token, target);
  await expect.poll(() => model.waiting).toBe(1);
  const second = send(ben.token, target, { body: 'another' });
  await expect.poll(() => model.waiting).toBe(2);
  model.release();
  const replies = await Promise.all([first, second]);
  expect(replies.map(({ status }) => status).filter((status) => status >= 300)).toEqual([]);
});

test('the same key in another namespace is another request', async () => {
  const { send, ann, model } = await openOnce();
  expect(await send(ann.token, target)).toMatchObject(done);
  expect(await send(ann.token, `/ns/other${target}`)).toMatchObject(done);
  expect(await send(fullToken, target)).toMatchObject(done);
  expect(model.clientNames).toEqual(['app\na', 'other\na', 'default\na']);
});

test('a token with less rights is refused the answer that its user has had', async () => {
  const { send, ann, access } = await openOnce();
  expect(await send(ann.token, target)).toMatchObject(done);
  const less: readonly GrantDocument[][] = [
    [{ namespace: 'app', role: 'read' }],
    [{ namespace: 'app', role: 'write', prefixes: ['b'] }],
    [{ namespace: 'other', role: 'write' }],
  ];
  for (const grants of less) {
    // oxlint-disable-next-line no-await-in-loop
    const { token } = await makeToken(access, 'ann', grants);
    // oxlint-disable-next-line no-await-in-loop
    const refused = await send(token, `/ns/app${target}`);
    expect(refused).toMatchObject({ status: 403, isReplay: false });
  }
});

test('a revoked token is refused the answer, and so is another user of the same name', async () => {
  const { send, ann, access } = await openOnce();
  expect(await send(ann.token, target)).toMatchObject(done);
  await access.administration.deleteUser('ann');
  expect(await send(ann.token, target)).toMatchObject({ status: 401, isReplay: false });
  const { token } = await makeToken(access, 'ann', [write]);
  expect(await send(token, target)).toMatchObject({ status: 204, isReplay: false });
});

test('no answer outlives the rights that a drop of its namespace takes', async () => {
  const { send, ann, access } = await openOnce();
  expect(await send(ann.token, target)).toMatchObject(done);
  await access.namespaces.drop('app');
  const named = `/ns/app${target}`;
  expect(await send(ann.token, named)).toMatchObject({ status: 403, isReplay: false });
  expect(await send(fullToken, named)).toMatchObject({ status: 201, isReplay: false });
  expect(await send(ann.token, named)).toMatchObject({ status: 403, isReplay: false });
});

test.each([
  ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"a","value":"w"}]}'],
  ['POST', '/v1/transactions', '{"operations":[{"op":"increment","key":"n"}]}'],
  ['POST', '/upstash', '["INCR","n"]'],
  ['POST', '/upstash/pipeline', '[["INCR","n"],["GET","a"]]'],
  ['POST', '/upstash/multi-exec', '[["INCR","n"]]'],
  ['PUT', '/unstorage/app/a', 'v'],
  ['DELETE', '/unstorage/app/a', undefined],
  ['DELETE', '/unstorage/app/:', undefined],
])('the same holds for %s %s', async (method, path, body) => {
  const { send, ann, ben, access } = await openOnce();
  const init = { method, body: body ?? null };
  expect(await send(ann.token, path, init)).toMatchObject({ status: 200, isReplay: false });
  expect(await send(ann.token, path, init)).toMatchObject({ status: 200, isReplay: true });
  expect(await send(ben.token, path, init)).toMatchObject({ status: 200, isReplay: false });
  const { token } = await makeToken(access, 'ann', [{ namespace: 'app', role: 'read' }]);
  const refused = await send(token, path, init);
  expect(refused.isReplay).toBe(false);
  expect(refused.text).toMatch(/FORBIDDEN|NOPERM/);
});
