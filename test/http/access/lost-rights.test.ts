// Tokens, users and namespaces that end while a request is on its way. The request is judged when
// its operations get their places.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { parseReplies, parseReply, readToEnd } from '../../support/http/raw-request.ts';
import { HeldStore } from '../../support/stores/held-store.ts';

const secret = 'value-of-the-owner';

async function openHeld(grants: readonly GrantDocument[] = [{ namespace: 'own', role: 'write' }]) {
  const model = new HeldStore();
  const clock = { wallMs: () => model.nowMs, monotonicMs: () => performance.now() };
  const opened = await openApp({ store: model, clock, access: closedAccess() });
  const { access } = opened;
  await makeNamespaces(access, 'own', 'other');
  const expiresAt = access.nowMs() + 1000;
  const { id, token } = await makeToken(access, 'ann', grants, { expiresAt });
  await model.submit({ op: 'put', namespace: 'own', key: 'a', value: Buffer.from(secret) });
  const before = [...model.entries].filter(([name]) => !name.startsWith('~'));
  const ofClients = () => [...model.entries].filter(([name]) => !name.startsWith('~'));
  return { ...opened, model, id, token, before, ofClients };
}

type Held = Awaited<ReturnType<typeof openHeld>>;

const revoke = ({ access, id }: Held): Promise<void> =>
  access.administration.deleteToken('ann', id);

/** Each ends the rights of the token. */
const ends: readonly (readonly [string, (held: Held) => Promise<void> | void])[] = [
  ['its token is revoked', revoke],
  ['its user is deleted', ({ access }) => access.administration.deleteUser('ann')],
  [
    'its user is disabled',
    async ({ access }) => void (await access.administration.putUser('ann', { isDisabled: true })),
  ],
  ['its token expires', ({ model }) => void (model.nowMs += 1000)],
];

type Request = readonly [method: string, target: string, body: string | undefined];

const requests: readonly Request[] = [
  ['GET', '/v1/keys/a', undefined],
  ['PUT', '/v1/keys/a', 'w'],
  ['DELETE', '/v1/keys/a', undefined],
  ['DELETE', '/v1/keys?prefix=a', undefined],
  ['POST', '/v1/batch', '{"operations":[{"op":"get","key":"a"}]}'],
  ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"b","value":"w"}]}'],
  ['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"b","value":"w"}]}'],
  ['POST', '/v1/transactions', '{"operations":[{"op":"get","key":"a"}]}'],
  ['GET', '/unstorage/own/a', undefined],
  ['PUT', '/unstorage/own/a', 'w'],
  ['DELETE', '/unstorage/own/a', undefined],
  ['GET', '/upstash/get/a', undefined],
  ['POST', '/upstash', '["SET","a","w"]'],
  ['POST', '/upstash/pipeline', '[["GET","a"],["SET","a","w"],["GET","a"]]'],
  ['POST', '/upstash/multi-exec', '[["GET","a"],["SET","a","w"]]'],
];

async function send({ url, token }: Held, [method, target, body]: Request, more = {}) {
  const headers = { ...bearer(token), ...more };
  const reply = await fetch(url + target, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: reply.status, text: await reply.text() };
}

/** Sends the request, and ends the rights of its token while its operations wait. */
async function sendHeld(held: Held, request: Request, end: () => Promise<void> | void, more = {}) {
  const { model } = held;
  model.hold();
  const reply = send(held, request, more);
  await expect.poll(() => model.waiting).toBeGreaterThan(0);
  await end();
  model.release();
  return await reply;
}

function expectRefused({ status, text }: { status: number; text: string }): void {
  expect(text).toMatch(/UNAUTHENTICATED|WRONGPASS/);
  expect(text).not.toContain(secret);
  const isList = text.startsWith('[') || text.startsWith('{"results"');
  expect(status).toBe(isList ? 200 : 401);
}

describe.each(ends)('a request that waits for its place while %s', (_, end) => {
  test.each(requests)('is refused: %s %s %s', async (method, target, body) => {
    const held = await openHeld();
    expectRefused(await sendHeld(held, [method, target, body], () => end(held)));
    expect(held.ofClients()).toEqual(held.before);
  });
});

test.each(requests.filter(([method]) => method !== 'GET'))(
  'with an Idempotency-Key it is refused as well: %s %s %s',
  async (method, target, body) => {
    const held = await openHeld();
    const more = { 'idempotency-key': 'k' };
    expectRefused(await sendHeld(held, [method, target, body], () => revoke(held), more));
    expect(held.ofClients()).toEqual(held.before);
    expect([...held.model.entries.keys()].filter((name) => name.includes('idempotency'))).toEqual(
      [],
    );
  },
);

test.each(requests)(
  'a request whose namespace is dropped meanwhile does nothing: %s %s %s',
  async (method, target, body) => {
    const held = await openHeld([
      { namespace: 'own', role: 'write' },
      { namespace: 'other', role: 'write' },
    ]);
    const { access } = held;
    const { status, text } = await sendHeld(held, [method, target, body], () =>
      access.namespaces.drop('own'),
    );
    expect(text).toMatch(/FORBIDDEN|NOPERM/);
    expect(text).not.toContain(secret);
    const isList = text.startsWith('[') || text.startsWith('{"results"');
    expect(status).toBe(isList ? 200 : 403);
    expect(held.ofClients()).toEqual([]);
  },
);

test('a namespace that was dropped is not made again by a write that waited', async () => {
  const held = await openHeld();
  const { access, model, url } = held;
  model.hold();
  const put = fetch(`${url}/ns/own/v1/keys/a`, {
    method: 'PUT',
    body: 'late',
    headers: bearer(fullToken),
  });
  await expect.poll(() => model.waiting).toBe(1);
  await access.namespaces.drop('own');
  model.release();
  expect((await put).status).toBe(404);
  expect([held.ofClients(), access.namespaces.state('own')]).toEqual([[], 'absent']);
});

test.each([
  ['PUT', '/v1/keys/a', 'a whole value'],
  ['PUT', '/unstorage/own/a', 'a whole value'],
  ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"a","value":"w"}]}'],
  ['POST', '/v1/transactions', '{"operations":[{"op":"delete","key":"a"}]}'],
  ['POST', '/upstash', '["SET","a","w"]'],
  ['POST', '/upstash/pipeline', '[["SET","a","w"]]'],
])('a token that is revoked while the body arrives: %s %s', async (method, target, body) => {
  const held = await openHeld();
  const { port, token, id, access, app } = held;
  const socket = connect(port, '127.0.0.1');
  const text = readToEnd(socket);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    `Authorization: Bearer ${token}`,
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  await expect.poll(() => app.connections.requestCount).toBe(1);
  await access.administration.deleteToken('ann', id);
  socket.write(body.slice(5));
  const reply = parseReply(await text);
  expectRefused({ status: reply.status, text: reply.body });
  expect(held.ofClients()).toEqual(held.before);
});

test.each<Request>([
  ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"a","value":"w"}]}'],
  ['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"a","value":"w"}]}'],
  ['POST', '/upstash/pipeline', '[["SET","a","w"]]'],
  ['GET', '/v1/keys', undefined],
])('a large request that waits for its turn is refused: %s %s', async (method, target, body) => {
  const held = await openHeld();
  const { url, model, app } = held;
  model.hold();
  // As many pages as the server asks its store for at once, and some more.
  const pages = Array.from({ length: 20 }, () =>
    fetch(`${url}/ns/own/v1/keys?limit=1000&include=values`, { headers: bearer(fullToken) }),
  );
  await expect.poll(() => app.connections.requestCount).toBe(20);
  await expect.poll(() => model.waiting).toBeGreaterThan(1);
  const asked = model.waiting;
  expect(asked).toBeLessThan(20);
  const reply = send(held, [method, target, body]);
  await expect.poll(() => app.connections.requestCount).toBe(21);
  await revoke(held);
  expect(model.waiting).toBe(asked);
  model.release();
  expectRefused(await reply);
  for (const page of pages) expect((await page).status).toBe(200);
  expect(held.ofClients()).toEqual(held.before);
});

test('of pipelined requests, those behind a revocation are refused', async () => {
  const held = await openHeld([{ namespace: '*', role: 'admin' }]);
  const { port, token, id } = held;
  const request = (method: string, target: string, isLast = false): string =>
    `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
    `Content-Length: 0\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const text = readToEnd(socket);
  socket.write(
    request('PUT', '/ns/own/v1/keys/first') +
      request('DELETE', `/v1/admin/users/ann/tokens/${id}`) +
      request('PUT', '/ns/own/v1/keys/second', true),
  );
  expect(parseReplies(await text).map(({ status }) => status)).toEqual([201, 204, 401]);
  expect(held.model.clientNames).toEqual(['own\na', 'own\nfirst']);
});

test('of a pipeline of commands, those behind a revocation are refused, each on its own', async () => {
  const held = await openHeld();
  const { model, access, id } = held;
  model.before = (call) =>
    call === 'count' ? access.administration.deleteToken('ann', id) : undefined;
  const body = '[["SET","b","1"],["DBSIZE"],["SET","c","1"],["GET","a"],["DBSIZE"],["PING"]]';
  const { status, text } = await send(held, ['POST', '/upstash/pipeline', body]);
  const refused = { error: 'WRONGPASS invalid or missing auth token' };
  expect([status, JSON.parse(text)]).toEqual([
    200,
    [{ result: 'OK' }, { result: 2 }, refused, refused, refused, { result: 'PONG' }],
  ]);
  expect(model.clientNames).toEqual(['own\na', 'own\nb']);
});

test('a walk over many pages ends where the token does', async () => {
  const held = await openHeld();
  const { model, access, id } = held;
  const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`);
  for (const key of keys) {
    void model.submit({ op: 'put', namespace: 'own', key, value: Buffer.from('v') });
  }
  let pages = 0;
  model.before = (call) => {
    if (call !== 'list') return undefined;
    pages += 1;
    return pages === 1 ? access.administration.deleteToken('ann', id) : undefined;
  };
  const { status, text } = await send(held, ['DELETE', '/unstorage/own/:', undefined]);
  expect(status).toBe(401);
  expect(JSON.parse(text)).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(model.clientNames).toHaveLength(1501);
});

async function* withPause(pieces: AsyncIterable<Uint8Array>, pause: () => Promise<void>) {
  for await (const piece of pieces) {
    yield piece;
    await pause();
  }
}

test('a backup ends, cut off, where the token does', async () => {
  const held = await openHeld([{ namespace: '*', role: 'admin' }]);
  const { url, token, model } = held;
  const whole = await model.backup();
  const backup = vi.spyOn(model, 'backup');
  backup.mockImplementation(async () =>
    withPause(whole, () => revoke(held).catch(() => undefined)),
  );
  const reply = await fetch(`${url}/v1/backup`, { headers: bearer(token) });
  expect(reply.status).toBe(200);
  await expect(reply.text()).rejects.toThrow('terminated');
});

/** Changes that an administrator asks for; each is behind the end of its own token. */
const changes: readonly (readonly [string, string, string | undefined])[] = [
  ['PUT', '/v1/admin/users/eve', '{}'],
  ['DELETE', '/v1/admin/users/ben', undefined],
  [
    'POST',
    '/v1/admin/users/ben/tokens',
    '{"name":"t","grants":[{"namespace":"*","role":"admin"}]}',
  ],
  ['DELETE', '/v1/admin/users/ben/tokens/ID', undefined],
  ['PUT', '/v1/admin/namespaces/new', '{}'],
  ['PUT', '/v1/admin/namespaces/own', '{"audit":"all"}'],
  ['DELETE', '/v1/admin/namespaces/own', undefined],
];

test.each(changes)(
  'a change of an administrator that waits behind the end of its own token is not made: %s %s',
  async (method, target, body) => {
    const held = await openHeld([{ namespace: '*', role: 'admin' }]);
    const { model, access, id } = held;
    const { administration, namespaces } = access;
    const other = await makeToken(access, 'ben', [{ namespace: 'own', role: 'read' }]);
    const records = () => [...model.entries].filter(([name]) => !name.includes('}use/'));
    const asked = [
      vi.spyOn(administration, 'putUser'),
      vi.spyOn(administration, 'deleteUser'),
      vi.spyOn(administration, 'createToken'),
      vi.spyOn(administration, 'deleteToken'),
      vi.spyOn(namespaces, 'put'),
      vi.spyOn(namespaces, 'drop'),
    ];
    const calls = () => asked.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    let open: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const transact = model.transact.bind(model);
    vi.spyOn(model, 'transact').mockImplementationOnce(async (...args) => {
      await gate;
      return await transact(...args);
    });
    const revocation = administration.deleteToken('ann', id);
    const reply = send(held, [method, target.replace('ID', other.id), body]);
    // The request waits for the revocation.
    await expect.poll(calls).toBe(2);
    open?.();
    await revocation;
    const before = records();
    expect((await reply).status).toBe(401);
    expect(records()).toEqual(before);
    expect(access.callers.token(other.id)).toBeDefined();
  },
);
