// The protocol of Upstash at `/`: the same answers as under /upstash, and no path of another route.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { rawRequest, sendRaw, type RawReply } from '../../support/http/raw-request.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

const openAtRoot = (changes: Parameters<typeof openApp>[0] = {}) =>
  openApp({ upstashAtRoot: true, ...changes });

const syncToken = 'upstash-sync-token';

interface Request {
  readonly method: string;
  /** Behind the base address. */
  readonly path: string;
  readonly body?: string;
  readonly headers?: readonly string[];
}

/** The reply without what differs from one server and moment to the next. */
function comparable({ status, headers, body }: RawReply) {
  const { date: _date, 'holdfast-request-id': _id, [syncToken]: token, ...rest } = headers;
  return { status, body, headers: rest, hasToken: token !== undefined };
}

/** The replies to the requests, one after the other, below an address with this path. */
async function repliesBelow(base: string, requests: readonly Request[]) {
  const { port } = await openAtRoot();
  const replies = [];
  for (const { method, path, ...rest } of requests) {
    const target = `${base}${path}` === '' ? '/' : `${base}${path}`;
    // oxlint-disable-next-line no-await-in-loop -- in order
    replies.push(comparable(await rawRequest(port, method, target, rest)));
  }
  return replies;
}

const lists = '[["set","k","v"],["get","k"],["nope"]]';

describe('a request at / is answered as under /upstash', () => {
  test.each<[string, readonly Request[]]>([
    ['a command in the body', [{ method: 'POST', path: '', body: '["set","k","v"]' }]],
    ['a command in the body, by PUT', [{ method: 'PUT', path: '', body: '["set","k","v"]' }]],
    ['a slash after the address', [{ method: 'POST', path: '/', body: '["get","k"]' }]],
    ['a query', [{ method: 'POST', path: '/?_token=any', body: '["get","k"]' }]],
    [
      'commands in the path',
      [
        { method: 'GET', path: '/set/a%2Fb/x/EX/100' },
        { method: 'POST', path: '/set/v1?NX&_token=any', body: 'bytes' },
        { method: 'GET', path: '/mget/a%2Fb/v1/none' },
        { method: 'HEAD', path: '/get/v1' },
        { method: 'GET', path: '/ttl/a%2Fb' },
      ],
    ],
    ['a pipeline', [{ method: 'POST', path: '/pipeline', body: lists }]],
    ['a pipeline with a query', [{ method: 'POST', path: '/pipeline?_token=any', body: lists }]],
    [
      'a transaction',
      [
        { method: 'POST', path: '/multi-exec', body: '[["set","k","v"],["incr","k"]]' },
        { method: 'PUT', path: '/multi-exec', body: lists },
      ],
    ],
    [
      'a retry',
      [1, 2].map(() => ({
        method: 'POST',
        path: '/incr/n',
        headers: ['Idempotency-Key: "once"'],
      })),
    ],
    [
      'other forms of replies',
      [
        { method: 'POST', path: '', body: '["echo","x"]', headers: ['Upstash-Encoding: base64'] },
        {
          method: 'POST',
          path: '',
          body: '["echo","x"]',
          headers: ['Upstash-Response-Format: resp2'],
        },
      ],
    ],
    [
      'methods that are not taken',
      [
        { method: 'GET', path: '' },
        { method: 'HEAD', path: '/' },
        { method: 'DELETE', path: '/del/k' },
        { method: 'OPTIONS', path: '/get/k' },
        { method: 'GET', path: '/pipeline' },
        { method: 'DELETE', path: '/multi-exec' },
      ],
    ],
    [
      'what is wrong',
      [
        { method: 'GET', path: '/nope/k' },
        { method: 'GET', path: '/get' },
        { method: 'GET', path: '/get/%zz' },
        { method: 'GET', path: '/get/k#x' },
        { method: 'GET', path: '//get/k' },
        { method: 'POST', path: '', body: 'no list' },
        { method: 'POST', path: '/pipeline/', body: lists },
        { method: 'POST', path: '', body: '["get","k"]', headers: ['Content-Encoding: gzip'] },
      ],
    ],
  ])('%s', async (_what, requests) => {
    const replies = await repliesBelow('', requests);
    expect(replies).toEqual(await repliesBelow('/upstash', requests));
    for (const { hasToken } of replies.filter(({ status }) => status === 200)) {
      expect(hasToken).toBe(true);
    }
  });
});

test('a write at / changes the token of both addresses', async () => {
  const { url } = await openAtRoot();
  const tokenOf = async (path: string) => (await fetch(`${url}${path}`)).headers.get(syncToken);
  const before = await tokenOf('/upstash/get/k');
  expect(await tokenOf('/get/k')).toBe(before);
  await fetch(`${url}/set/k/v`);
  const after = await tokenOf('/upstash/get/k');
  expect(after).not.toBe(before);
  expect(await tokenOf('/get/k')).toBe(after);
});

test('a target in absolute form is the same', async () => {
  const { port } = await openAtRoot();
  await rawRequest(port, 'GET', 'http://localhost/set/k/v');
  expect(await rawRequest(port, 'POST', 'http://localhost', { body: '["get","k"]' })).toMatchObject(
    { status: 200, body: '{"result":"v"}' },
  );
});

describe('paths of other routes', () => {
  test('stay theirs, all that there are', async () => {
    const { app } = await openAtRoot();
    const tree = app.printRoutes({ commonPrefix: false });
    const paths = [...tree.matchAll(/^[├└]── (\S+)/gm)].map(([, path = '']) => path);
    expect(paths).toEqual(expect.arrayContaining(['/v1/keys', '/upstash', '/livez', '/docs']));
    for (const path of paths)
      expect([path, app.dialects.dialectOf(path)?.base]).not.toEqual([path, '']);
  });

  test.each([
    ['GET', '/v1/keys/k'],
    ['GET', '/v1/keys'],
    ['GET', '/v1'],
    ['GET', '/v1?x=1'],
    ['DELETE', '/v1/batch'],
    ['GET', '/v1/get/k'],
    ['GET', '/v1/keys/%zz'],
    ['GET', '/unstorage'],
    ['GET', '/unstorage/app/a'],
    ['PATCH', '/unstorage/app/a'],
    ['GET', '/livez'],
    ['POST', '/livez'],
    ['GET', '/livez/k'],
    ['GET', '/readyz'],
    ['GET', '/docs/nothing'],
    ['GET', '/metrics/k'],
    ['GET', '/NS/app/get/k'],
    ['GET', '/ns'],
    ['DELETE', '/upstash'],
  ])('%s %s is answered as without the setting', async (method, target) => {
    const [one, other] = await Promise.all([openApp(), openAtRoot()]);
    const reply = comparable(await rawRequest(other.port, method, target));
    expect(reply).toEqual(comparable(await rawRequest(one.port, method, target)));
  });

  test.each([
    '/V1/keys/there',
    '/%761/keys/there',
    '/v1%2Fkeys/there',
    '//v1/keys/there',
    '/v1x/there',
  ])('are compared byte for byte, so %s is a command that does not exist', async (target) => {
    const { port, model } = await openAtRoot();
    await rawRequest(port, 'PUT', '/v1/keys/there', { body: 'v' });
    const before = [...model.entries];
    const reply = await rawRequest(port, 'PUT', target, { body: 'other' });
    expect([reply.status, reply.body]).toEqual([
      400,
      expect.stringContaining('ERR unknown command'),
    ]);
    expect([...model.entries]).toEqual(before);
  });
});

describe('errors at / are in the form of this protocol', () => {
  const json = 'application/json';

  test('malformed HTTP', async () => {
    const { port } = await openAtRoot();
    const head = 'GET /get/a HTTP/1.1\r\nHost: a\r\n';
    const reply = await sendRaw(port, `${head}no colon\r\n\r\n`);
    expect([reply.status, reply.headers['content-type']]).toEqual([400, json]);
    expect(JSON.parse(reply.body)).toEqual({ error: expect.stringContaining('BAD_REQUEST') });
    const other = head.replace('/get/a', '/v1/keys/a');
    expect((await sendRaw(port, `${other}no colon\r\n\r\n`)).headers['content-type']).toBe(
      'application/problem+json',
    );
  });

  test('a refusal under load', async () => {
    const { app, port } = await openAtRoot({ limits: { connectionsMax: 1 } });
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    await expect.poll(() => app.connections.socketCount).toBe(1);
    const reply = await rawRequest(port, 'POST', '/', { body: '["set","k","v"]' });
    expect([reply.status, reply.headers['content-type']]).toEqual([503, json]);
    expect(JSON.parse(reply.body)).toEqual({
      error: expect.stringContaining('(OVERLOADED, not-applied)'),
    });
  });

  test('a mistake of the server, whose effect is unknown for a GET, too', async () => {
    class BrokenStore extends ModelStore {
      override submitCommands(): never {
        throw new Error('out of order');
      }
    }
    const { port } = await openAtRoot({ store: new BrokenStore() });
    const reply = await rawRequest(port, 'GET', '/set/k/v');
    expect([reply.status, JSON.parse(reply.body)]).toEqual([
      500,
      { error: expect.stringContaining('(INTERNAL, unknown)') },
    ]);
  });
});

test('requests are counted under the routes of /upstash', async () => {
  const { url } = await openAtRoot();
  await fetch(`${url}/set/k/v`);
  await fetch(url, { method: 'POST', body: '["get","k"]' });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const [route, method] of [
    ['/upstash/:command', 'GET'],
    ['/upstash', 'POST'],
  ]) {
    expect(metrics).toContain(
      `holdfast_http_requests_total{route="${route}",method="${method}",status="2xx"} 1\n`,
    );
  }
});

test('without the setting, no command is at /', async () => {
  const { port } = await openApp();
  for (const [method, target] of [
    ['POST', '/'],
    ['POST', '/pipeline'],
    ['GET', '/get/k'],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- few
    const reply = await rawRequest(port, method, target, { body: '["get","k"]' });
    expect([reply.status, JSON.parse(reply.body)]).toMatchObject([
      404,
      { code: 'ROUTE_NOT_FOUND' },
    ]);
  }
});
