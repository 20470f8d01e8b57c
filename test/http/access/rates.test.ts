// Tokens with rates: which requests are let in, what each reply tells, and what is charged. The test owns
// the clock. Everything holds on both paths to the handlers.
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TokenRequest } from '../../../src/access/token-request.ts';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { openApp, type TestAccess } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import {
  parseReplies,
  parseReply,
  rawRequest,
  readToEnd,
  sendRawForAll,
  type RawReply,
} from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';

const grants: readonly GrantDocument[] = [{ namespace: '*', role: 'admin' }];

type Rates = Partial<Pick<TokenRequest, 'requestsPerSecond' | 'writtenBytesPerSecond'>>;

interface Init {
  readonly body?: string;
  readonly headers?: readonly string[];
}

/** Sends one request as the lane takes it: without a header that ends the connection. */
async function sendPlain(port: number, bytes: string): Promise<RawReply> {
  const socket = connectToPort(port, { allowHalfOpen: true });
  const reply = readToEnd(socket);
  socket.end(bytes);
  return parseReply(await reply);
}

async function openWithRates(rates: Rates, fastLane: boolean, rules: TestAccess = {}) {
  const clock = new ManualClock();
  const limits = { valueBytesMax: 8192 };
  const opened = await openApp({ clock, fastLane, limits, access: closedAccess(rules) });
  const { access, port } = opened;
  const ann = await makeToken(access, 'ann', grants, rates);
  const sendAs = (token: string, method: string, target: string, init: Init = {}) => {
    const { body = '', headers = [] } = init;
    const length = body === '' ? [] : [`Content-Length: ${body.length}`];
    const line = `${method} ${target} HTTP/1.1`;
    const lines = [line, 'Host: x', `Authorization: Bearer ${token}`, ...length, ...headers];
    return sendPlain(port, [...lines, '', body].join('\r\n'));
  };
  const send = (method: string, target: string, init?: Init) =>
    sendAs(ann.token, method, target, init);
  return { ...opened, clock, ann, send, sendAs };
}

function told({ status, headers }: RawReply): readonly unknown[] {
  const names = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
  return [status, ...names.map((name) => headers[name])];
}

const problem = (reply: RawReply): unknown => JSON.parse(reply.body);

const batch = (operation: string): string => `{"operations":[${operation}]}`;

const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** Sends a request with a body whose length only its end tells. */
async function sendChunked(port: number, token: string, target: string, text: string) {
  const head = `PUT ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
  const lines = `Authorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const [reply] = await sendRawForAll(port, head + lines + chunked(text));
  if (reply === undefined) throw new Error('no reply');
  return reply;
}

/** One request for each kind of reply: method, target, status of the reply. */
const kindsOfReply: readonly (readonly [string, string, number, Init])[] = [
  ['GET', '/v1/keys/a', 200, {}],
  ['HEAD', '/v1/keys/a', 200, {}],
  ['GET', '/v1/keys/large', 200, {}],
  ['GET', '/v1/keys/a', 304, { headers: ['If-None-Match: *'] }],
  ['PUT', '/v1/keys/a', 204, { body: 'w' }],
  ['PUT', '/v1/keys/a', 412, { body: 'w', headers: ['If-None-Match: *'] }],
  ['PUT', '/v1/keys/a?ttl=soon', 400, { body: 'w' }],
  ['PUT', '/v1/keys/a', 413, { body: 'w'.repeat(9000) }],
  ['GET', '/v1/keys', 200, {}],
  ['POST', '/v1/batch', 200, { body: '{"operations":[]}' }],
  ['PATCH', '/v1/keys/a', 405, {}],
  ['GET', '/nothing', 404, {}],
  ['GET', '//ns/app/v1/keys/a', 404, {}],
  ['GET', '/v1/keys/a#b', 400, {}],
  ['GET', '/metrics', 200, {}],
  ['GET', '/docs', 200, {}],
  ['GET', '/docs/json', 200, {}],
  ['GET', '/v1/admin/users', 200, {}],
  ['GET', '/v1/admin/users/bob', 404, {}],
  ['GET', '/upstash/get/a', 200, {}],
  ['POST', '/upstash', 400, { body: '["NOTHING"]' }],
  ['POST', '/upstash', 400, { body: '[' }],
  ['GET', '/unstorage/default/a', 200, {}],
  ['OPTIONS', '/v1/keys/a', 405, {}],
  ['GET', '/livez', 200, {}],
  ['GET', '/readyz', 200, {}],
];

/** Makes the entries that the requests of the table ask for. */
async function putEntries({ sendAs }: Awaited<ReturnType<typeof openWithRates>>): Promise<void> {
  await sendAs(fullToken, 'PUT', '/v1/keys/a', { body: 'v' });
  await sendAs(fullToken, 'PUT', '/v1/keys/large', { body: 'v'.repeat(8000) });
}

describe.each([
  ['in the fast lane', true],
  ['past the fast lane', false],
])('%s', (_, fastLane) => {
  const open = (rates: Rates, rules?: TestAccess) => openWithRates(rates, fastLane, rules);

  test('a token has its requests a second, and each reply tells how many are left', async () => {
    const { send, clock } = await open({ requestsPerSecond: 4 });
    expect(told(await send('PUT', '/v1/keys/a', { body: 'v' }))).toEqual([201, '4', '3', '1']);
    expect(told(await send('GET', '/v1/keys/a'))).toEqual([200, '4', '2', '1']);
    clock.advance(250);
    expect(told(await send('DELETE', '/v1/keys/a'))).toEqual([204, '4', '2', '1']);
    clock.advance(1000);
    expect(told(await send('GET', '/v1/keys/a'))).toEqual([404, '4', '3', '1']);
  });

  test('the refusal says when the next request is let in, and it is', async () => {
    const { send, clock, model } = await open({ requestsPerSecond: 2 });
    await send('GET', '/v1/keys/a');
    await send('GET', '/v1/keys/a');
    const refused = await send('PUT', '/v1/keys/a', { body: 'v' });
    expect(told(refused)).toEqual([429, '2', '0', '1']);
    expect(refused.headers).toMatchObject({
      'retry-after': '1',
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    expect(problem(refused)).toEqual({
      type: 'urn:holdfast:error:RATE_LIMITED',
      title: expect.any(String) as string,
      status: 429,
      detail: 'The token may have 2 requests a second; try again in 500 ms. Nothing was done.',
      code: 'RATE_LIMITED',
      retryable: true,
      outcome: 'not-applied',
      limit: 2,
      retryAfterMs: 500,
    });
    expect([...model.entries.values()].some(({ value }) => value.length === 1)).toBe(false);
    clock.advance(499);
    expect((await send('GET', '/v1/keys/a')).status).toBe(429);
    clock.advance(1);
    expect((await send('GET', '/v1/keys/a')).status).toBe(404);
  });

  test('each dialect has the refusal in its own form', async () => {
    const { send } = await open({ requestsPerSecond: 1 });
    await send('GET', '/v1/keys/a');
    for (const target of ['/v1/keys/a', '/unstorage/app/a', '/v1/whoami', '/docs', '/nothing']) {
      // oxlint-disable-next-line no-await-in-loop -- one request after the other
      const reply = await send('GET', target);
      expect(told(reply)).toEqual([429, '1', '0', '1']);
      expect(problem(reply)).toMatchObject({ code: 'RATE_LIMITED', outcome: 'not-applied' });
    }
    for (const [method, target, body] of [
      ['GET', '/upstash/get/a', undefined],
      ['POST', '/upstash', '["GET","a"]'],
      ['POST', '/upstash/pipeline', '[["GET","a"]]'],
      ['POST', '/upstash/multi-exec', '[["GET","a"]]'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one request after the other
      const reply = await send(method, target, body === undefined ? {} : { body });
      expect(told(reply)).toEqual([429, '1', '0', '1']);
      expect(reply.headers['retry-after']).toBe('1');
      expect(problem(reply)).toEqual({
        error:
          'ERR The token may have 1 requests a second; try again in 1000 ms. Nothing was done. ' +
          '(RATE_LIMITED, not-applied)',
      });
    }
  });

  test.each(kindsOfReply)('the reply to %s %s with status %i has the figures', async (...asked) => {
    const [method, target, status, init] = asked;
    const opened = await open({ requestsPerSecond: 100 });
    await putEntries(opened);
    const reply = await opened.send(method, target, init);
    expect(reply.status).toBe(status);
    expect(reply.headers['ratelimit-limit']).toBe('100');
    expect(reply.headers['ratelimit-remaining']).toMatch(/^(?:99|100)$/);
    expect(reply.headers['ratelimit-reset']).toMatch(/^[01]$/);
  });

  test('no reply to a token without a rate, or to no token, has figures', async () => {
    const { sendAs, access, port } = await open({ requestsPerSecond: 100 });
    const bob = await makeToken(access, 'bob', grants);
    for (const reply of [
      await sendAs(bob.token, 'GET', '/v1/keys/a'),
      await sendAs(fullToken, 'GET', '/v1/keys/a'),
      await sendAs('unknown', 'GET', '/v1/keys/a'),
      await rawRequest(port, 'GET', '/livez'),
    ]) {
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
    }
  });

  test('/livez and /readyz are answered whatever the rate, and cost nothing', async () => {
    const { send } = await open({ requestsPerSecond: 1 });
    expect(told(await send('GET', '/livez'))).toEqual([200, '1', '1', '0']);
    await send('GET', '/v1/keys/a');
    expect((await send('GET', '/v1/keys/a')).status).toBe(429);
    expect(told(await send('GET', '/livez'))).toEqual([200, '1', '0', '1']);
    expect(told(await send('GET', '/readyz'))).toEqual([200, '1', '0', '1']);
  });

  test('pipelined requests are charged one by one, and answered in their order', async () => {
    const { port, ann } = await open({ requestsPerSecond: 3 });
    const line = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\n`;
    const requests = [1, 2, 3, 4, 5].map(
      (i) => `PUT /v1/keys/k${i} HTTP/1.1\r\n${line}Content-Length: 1\r\n\r\nv`,
    );
    const last = `GET /livez HTTP/1.1\r\n${line}Connection: close\r\n\r\n`;
    const all = await sendRawForAll(port, requests.join('') + last);
    expect(all.map(({ status }) => status)).toEqual([201, 201, 201, 429, 429, 200]);
    expect(all.map(({ headers }) => headers['ratelimit-remaining'])).toEqual(
      ['2', '1', '0', '0', '0', '0'], // prettier-ignore
    );
  });

  test('all connections of a token share its rate', async () => {
    const { send, port, ann } = await open({ requestsPerSecond: 2 });
    const socket = connectToPort(port);
    onTestFinished(() => void socket.destroy());
    const ask = async (): Promise<number | undefined> => {
      const line = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\n`;
      socket.write(`GET /v1/keys/a HTTP/1.1\r\n${line}\r\n`);
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      return parseReplies(bytes.toString('latin1'))[0]?.status;
    };
    expect(await ask()).toBe(404);
    expect((await send('GET', '/v1/keys/a')).status).toBe(404);
    expect(await ask()).toBe(429);
    expect((await send('GET', '/v1/keys/a')).status).toBe(429);
  });

  test('each token has a rate of its own, also among those of one user', async () => {
    const { send, sendAs, access } = await open({ requestsPerSecond: 1 });
    const second = await makeToken(access, 'ann', grants, { requestsPerSecond: 1 });
    expect((await send('GET', '/v1/keys/a')).status).toBe(404);
    expect((await send('GET', '/v1/keys/a')).status).toBe(429);
    expect((await sendAs(second.token, 'GET', '/v1/keys/a')).status).toBe(404);
  });

  test('a revoked token is 401 and tells nothing, and one made later is full', async () => {
    const { send, sendAs, access, ann } = await open({ requestsPerSecond: 1 });
    await send('GET', '/v1/keys/a');
    expect((await send('GET', '/v1/keys/a')).status).toBe(429);
    await access.administration.deleteToken('ann', ann.id);
    expect(told(await send('GET', '/v1/keys/a'))).toEqual([401, undefined, undefined, undefined]);
    const later = await makeToken(access, 'ann', grants, { requestsPerSecond: 1 });
    expect((await sendAs(later.token, 'GET', '/v1/keys/a')).status).toBe(404);
  });

  test('a wall clock that jumps changes no rate', async () => {
    const { send, clock } = await open({ requestsPerSecond: 1 });
    await send('GET', '/v1/keys/a');
    clock.jump(3_600_000);
    expect(told(await send('GET', '/v1/keys/a'))).toEqual([429, '1', '0', '1']);
    clock.jump(-7_200_000);
    clock.advance(1000);
    expect((await send('GET', '/v1/keys/a')).status).toBe(404);
  });

  test('a replay of a kept answer is charged as well, and has the figures of its own', async () => {
    const { send } = await open({ requestsPerSecond: 2 });
    const init = { body: 'v', headers: ['Idempotency-Key: k'] };
    expect(told(await send('PUT', '/v1/keys/a', init))).toEqual([201, '2', '1', '1']);
    const replay = await send('PUT', '/v1/keys/a', init);
    expect(replay.headers['idempotent-replayed']).toBe('true');
    expect(told(replay)).toEqual([201, '2', '0', '1']);
    expect((await send('PUT', '/v1/keys/a', init)).status).toBe(429);
  });

  test('a page of an allowed origin may read the figures', async () => {
    const origin = 'https://shop.example';
    const { send } = await open({ requestsPerSecond: 1 }, { corsOrigins: [origin] });
    for (const status of [404, 429]) {
      // oxlint-disable-next-line no-await-in-loop -- one request after the other
      const reply = await send('GET', '/v1/keys/a', { headers: [`Origin: ${origin}`] });
      expect(told(reply)).toEqual([status, '1', '0', '1']);
      expect(reply.headers['access-control-allow-origin']).toBe(origin);
      const exposed = reply.headers['access-control-expose-headers'];
      for (const name of ['Limit', 'Remaining', 'Reset']) {
        expect(exposed).toContain(`RateLimit-${name}`);
      }
    }
  });

  describe('written bytes', () => {
    test('are those of bodies, and the tighter of two rates is told', async () => {
      const { send, clock } = await open({ requestsPerSecond: 10, writtenBytesPerSecond: 100 });
      const put = (bytes: number) => send('PUT', '/v1/keys/a', { body: 'v'.repeat(bytes) });
      expect(told(await put(5))).toEqual([201, '10', '9', '1']);
      expect(told(await put(55))).toEqual([204, '100', '40', '1']);
      const refused = await put(41);
      expect(told(refused)).toEqual([429, '100', '40', '1']);
      expect(problem(refused)).toMatchObject({
        detail:
          'The token may have 100 written bytes a second; try again in 10 ms. Nothing was done.',
        limit: 100,
        retryAfterMs: 10,
      });
      clock.advance(10);
      expect(told(await put(41))).toEqual([204, '100', '0', '1']);
      expect(told(await send('GET', '/v1/keys/a'))).toEqual([200, '100', '0', '1']);
    });

    test('of a refused request cost nothing, and neither does the request', async () => {
      const { send } = await open({ requestsPerSecond: 4, writtenBytesPerSecond: 100 });
      const put = (bytes: number) => send('PUT', '/v1/keys/a', { body: 'v'.repeat(bytes) });
      await put(60);
      for (let i = 0; i < 10; i++) {
        // oxlint-disable-next-line no-await-in-loop -- one request after the other
        expect((await put(50)).status).toBe(429);
      }
      expect((await put(40)).status).toBe(204);
      expect(told(await send('HEAD', '/v1/keys/a'))).toEqual([200, '100', '0', '1']);
      expect((await send('HEAD', '/v1/keys/a')).status).toBe(200);
      expect((await send('HEAD', '/v1/keys/a')).status).toBe(429);
    });

    test('of more than a second go into debt, and are let in only if nothing is owed', async () => {
      const { send, clock } = await open({ writtenBytesPerSecond: 100 });
      const put = (bytes: number) => send('PUT', '/v1/keys/a', { body: 'v'.repeat(bytes) });
      await put(1);
      expect((await put(350)).status).toBe(429);
      clock.advance(10);
      expect(told(await put(350))).toEqual([204, '100', '0', '4']);
      const refused = await put(1);
      expect(refused.headers['retry-after']).toBe('3');
      expect(problem(refused)).toMatchObject({ retryAfterMs: 2510 });
      expect((await send('GET', '/v1/keys/a')).status).toBe(200);
      clock.advance(2510);
      expect((await put(1)).status).toBe(204);
    });

    test('of a chunked body are charged once it is whole, and before it is carried out', async () => {
      const { port, ann, send, model } = await open({
        requestsPerSecond: 3,
        writtenBytesPerSecond: 100,
      });
      const put = (bytes: number) => sendChunked(port, ann.token, '/v1/keys/a', 'v'.repeat(bytes));
      expect(told(await put(90))).toEqual([201, '100', '10', '1']);
      const before = [...model.entries];
      expect(told(await put(11))).toEqual([429, '100', '10', '1']);
      expect([...model.entries]).toEqual(before);
      expect(told(await put(10))).toEqual([204, '100', '0', '1']);
      expect((await send('GET', '/v1/keys/a')).status).toBe(200);
      expect((await send('GET', '/v1/keys/a')).status).toBe(429);
    });

    test('of a body that is refused for another reason cost nothing', async () => {
      const { send } = await open({ writtenBytesPerSecond: 1000 });
      expect(told(await send('PUT', '/v1/keys/a?ttl=soon', { body: 'v' }))).toEqual(
        [400, '1000', '1000', '0'], // prettier-ignore
      );
      expect(told(await send('PUT', '/v1/keys/a', { body: 'v'.repeat(8193) }))).toEqual(
        [413, '1000', '1000', '0'], // prettier-ignore
      );
    });

    const set = '["SET","a","12345"]';
    const get = '["GET","a"]';
    const putOperation = '{"op":"put","key":"a","value":"12345"}';
    const getOperation = '{"op":"get","key":"a"}';
    const target = '/upstash/set/a/12345';
    const written: readonly (readonly [string, string, string | undefined, number])[] = [
      ['PUT', '/unstorage/app/a', '12345', 5],
      ['POST', '/v1/batch', batch(putOperation), batch(putOperation).length],
      ['POST', '/v1/transactions', batch(putOperation), batch(putOperation).length],
      ['POST', '/v1/admin/users/ann/tokens', '{}', 2],
      ['DELETE', '/v1/keys/a', 'stray', 5],
      ['POST', '/upstash', set, set.length],
      ['POST', '/upstash/pipeline', `[${get},${set}]`, get.length + set.length + 3],
      ['POST', '/upstash/multi-exec', `[${set}]`, set.length + 2],
      ['POST', '/upstash/set/a', '12345', '/upstash/set/a'.length + 5],
      ['GET', target, undefined, target.length],
      ['GET', `/ns/app${target}`, undefined, target.length],
      ['GET', '/upstash/set/a?EX=9', '12345', '/upstash/set/a?EX=9'.length + 5],
      ['POST', '/v1/batch', batch(getOperation), 0],
      ['POST', '/v1/transactions', batch(getOperation), 0],
      ['POST', '/upstash', get, 0],
      ['POST', '/upstash/pipeline', `[${get},${get}]`, 0],
      ['POST', '/upstash/multi-exec', `[${get}]`, 0],
      ['GET', '/upstash/get/a', undefined, 0],
      ['POST', '/upstash/get', 'a', 0],
    ];

    test.each(written)('%s %s with the body %s are %i', async (method, path, body, bytes) => {
      const { send } = await open({ writtenBytesPerSecond: 1000 });
      const { headers } = await send(method, path, body === undefined ? {} : { body });
      expect(headers['ratelimit-remaining']).toBe(String(1000 - bytes));
    });

    test.each(written.filter(([, , , bytes]) => bytes > 0))(
      '%s %s with the body %s is refused without them, and has no effect',
      async (method, path, body) => {
        const { send, clock, model } = await open({ writtenBytesPerSecond: 1 });
        await send('PUT', '/v1/keys/a', { body: 'before' });
        clock.advance(1000);
        const before = [...model.entries];
        const refused = await send(method, path, body === undefined ? {} : { body });
        expect(told(refused)).toEqual([429, '1', '0', '5']);
        expect([...model.entries]).toEqual(before);
      },
    );
  });
});

const fullHead = (token: string) =>
  `PUT /v1/keys/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n`;

test('a request past its rate is answered before its body has come', async () => {
  const { port, ann, send } = await openWithRates({ requestsPerSecond: 1 }, false);
  await send('GET', '/v1/keys/a');
  const [reply] = await sendRawForAll(port, `${fullHead(ann.token)}Content-Length: 1000\r\n\r\n`);
  expect(reply?.status).toBe(429);
});

test('a body past its rate is refused before it has come, and asks for no more of it', async () => {
  const { port, ann, send } = await openWithRates({ writtenBytesPerSecond: 1000 }, false);
  await send('PUT', '/v1/keys/a', { body: 'v' });
  const expecting = `${fullHead(ann.token)}Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n`;
  const replies = await sendRawForAll(port, expecting);
  expect(replies.map(({ status }) => status)).toEqual([429]);
});

async function openForLargeBodies(writtenBytesPerSecond: number) {
  const clock = new ManualClock();
  const valueBytesMax = 1_000_000;
  const limits = { valueBytesMax, batchBytesMax: 1_000_000, bodyBytesInFlightMax: 2_000_000 };
  const { access, url } = await openApp({ clock, limits, access: closedAccess() });
  const { token } = await makeToken(access, 'ann', grants, { writtenBytesPerSecond });
  return (target: string, body: string) =>
    fetch(url + target, { method: 'POST', body, headers: bearer(token) });
}

test('a command in the path with a body of more than a second’s worth counts as one', async () => {
  const post = await openForLargeBodies(10_000);
  const reply = await post('/upstash/set/a', 'v'.repeat(70_000));
  expect(reply.status).toBe(200);
  expect(reply.headers.get('ratelimit-reset')).toBe('8');
  const refused = await post('/upstash/set/a', 'v');
  expect(refused.headers.get('retry-after')).toBe('7');
  expect(await refused.text()).toContain('try again in 6003 ms');
});

test('a body of more than 64 KiB counts before it is read, whether it writes or not', async () => {
  const send = await openForLargeBodies(100_000);
  const body = `{"operations":[${' '.repeat(70_000)}]}`;
  const post = () => send('/v1/batch', body);
  const reply = await post();
  expect(reply.headers.get('ratelimit-remaining')).toBe(String(100_000 - body.length));
  expect((await post()).status).toBe(429);
});

test('the reply to a body that is malformed tells the figures, too', async () => {
  const origin = 'https://shop.example';
  const rules = { corsOrigins: [origin] };
  const { port, ann } = await openWithRates({ requestsPerSecond: 9 }, false, rules);
  const head = `${fullHead(ann.token)}Origin: ${origin}\r\n`;
  const [reply] = await sendRawForAll(port, `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`);
  expect(reply && told(reply)).toEqual([400, '9', '8', '1']);
  expect(reply?.headers['access-control-allow-origin']).toBe(origin);
});

test.each([true, false])(
  'a 503 of an overloaded server tells the figures; fast lane: %s',
  async (fastLane) => {
    const { send, app } = await openWithRates({ requestsPerSecond: 9 }, fastLane);
    Object.defineProperty(app.replies, 'isFull', { get: () => true });
    expect(told(await send('GET', '/v1/keys/a'))).toEqual([503, '9', '9', '0']);
  },
);

test('/metrics counts the refused requests of each rate', async () => {
  const rates = { requestsPerSecond: 2, writtenBytesPerSecond: 10 };
  const { send, sendAs } = await openWithRates(rates, true);
  await send('PUT', '/v1/keys/a', { body: '1234567890' });
  await send('PUT', '/v1/keys/a', { body: '1' });
  await send('PUT', '/v1/keys/a', { body: '1' });
  await send('GET', '/v1/keys/a');
  await send('GET', '/v1/keys/a');
  const { body } = await sendAs(fullToken, 'GET', '/metrics');
  expect(body).toContain('holdfast_http_rate_limited_total{rate="requests"} 1\n');
  expect(body).toContain('holdfast_http_rate_limited_total{rate="written_bytes"} 2\n');
});

test('plain requests of a token with a rate stay in the fast lane', async () => {
  const { send, sendAs } = await openWithRates({ requestsPerSecond: 2 }, true);
  const handovers = async () => {
    const { body } = await sendAs(fullToken, 'GET', '/metrics');
    return /^holdfast_lane_handovers_total.*$/gm[Symbol.match](body);
  };
  const before = await handovers();
  for (const status of [404, 404, 429]) {
    // oxlint-disable-next-line no-await-in-loop -- one request after the other
    expect((await send('GET', '/v1/keys/a')).status).toBe(status);
  }
  expect(before).not.toBeNull();
  const routes = (await handovers())?.filter((line, i) => line !== before?.[i]);
  // The request for metrics itself.
  expect(routes).toEqual([expect.stringContaining('reason="route"') as string]);
});

test('both paths write the headers of each reply in the same order', async () => {
  const rates = { requestsPerSecond: 2 };
  for (const [method, target, , init] of kindsOfReply) {
    // Its figures differ from server to server.
    if (target === '/metrics') continue;
    // oxlint-disable-next-line no-await-in-loop -- a pair of servers at a time
    const [lane, framework] = await Promise.all(
      [true, false].map(async (fastLane) => {
        const opened = await openWithRates(rates, fastLane);
        await putEntries(opened);
        const { headers, ...rest } = await opened.send(method, target, init);
        const { date: _date, 'upstash-sync-token': _token, ...compared } = headers;
        // Its place is compared, and not the id.
        const withoutId = { ...compared, 'holdfast-request-id': '' };
        return { ...rest, headers: Object.entries(withoutId) };
      }),
    );
    expect(lane).toEqual(framework);
  }
});
