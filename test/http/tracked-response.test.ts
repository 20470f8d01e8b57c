// No cache between client and server may keep a reply: the next reply may differ. And each one names its
// request.
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { openApp, testLimits } from '../support/http/open-app.ts';
import { rawRequest, sendRaw } from '../support/http/raw-request.ts';
import { connectToPort } from '../support/http/transport.ts';

const large = 'v'.repeat(testLimits.valueBytesMax);

interface Asked {
  readonly headers?: readonly string[];
  readonly body?: string;
}

test.each<[string, string, number, Asked?]>([
  ['GET', '/v1/keys/small', 200],
  ['GET', '/v1/keys/large', 200],
  ['HEAD', '/v1/keys/small', 200],
  ['GET', '/v1/keys/small', 304, { headers: ['If-None-Match: *'] }],
  ['GET', '/v1/keys/small', 412, { headers: ['If-Match: "99"'] }],
  ['GET', '/v1/keys/none', 404],
  ['HEAD', '/v1/keys/none', 404],
  ['GET', '/v1/keys/%zz', 400],
  ['PUT', '/v1/keys/new', 201, { body: 'v' }],
  ['PUT', '/v1/keys/small', 204, { body: 'v' }],
  ['PUT', '/v1/keys/new', 201, { body: 'v', headers: ['Idempotency-Key: 1'] }],
  ['PUT', '/v1/keys/large', 413, { body: `${large}v` }],
  ['DELETE', '/v1/keys/small', 204],
  ['GET', '/v1/keys', 200],
  ['GET', '/v1/keys?include=values', 200],
  ['POST', '/v1/batch', 200, { body: '{"operations":[{"op":"get","key":"small"}]}' }],
  ['POST', '/v1/transactions', 200, { body: '{"operations":[{"op":"get","key":"small"}]}' }],
  ['GET', '/v1/backup', 200],
  ['GET', '/upstash/get/small', 200],
  ['HEAD', '/upstash/get/small', 200],
  ['GET', '/upstash/nosuch', 400],
  ['POST', '/upstash', 200, { body: '["GET","small"]' }],
  ['POST', '/upstash', 400, { body: '{}' }],
  ['POST', '/upstash/pipeline', 200, { body: '[["GET","small"]]' }],
  ['POST', '/upstash/multi-exec', 200, { body: '[["GET","small"]]' }],
  ['GET', '/unstorage/default/small', 200],
  ['GET', '/unstorage/default/short', 200],
  ['HEAD', '/unstorage/default/short', 200],
  ['GET', '/unstorage/default/none', 404],
  ['GET', '/unstorage/default/', 200],
  ['PUT', '/unstorage/default/new', 200, { body: 'v' }],
  ['GET', '/livez', 200],
  ['GET', '/readyz', 200],
  ['GET', '/metrics', 200],
  ['GET', '/docs', 200],
  ['GET', '/docs/json', 200],
  ['GET', '/nowhere', 404],
  ['PATCH', '/v1/keys/small', 405, { body: 'v' }],
  ['GET', '/v1/keys/a#b', 400],
])('%s %s, %d: no-store, and an id', async (method, target, status, asked = {}) => {
  const { port, model } = await openApp();
  const put = { op: 'put', namespace: 'default' } as const;
  await model.submit({ ...put, key: 'small', value: Buffer.from('v') });
  await model.submit({ ...put, key: 'large', value: Buffer.from(large) });
  await model.submit({ ...put, key: 'short', value: Buffer.from('v'), ttlMs: 60_000 });
  const reply = await rawRequest(port, method, target, asked);
  expect([reply.status, reply.headers['cache-control']]).toEqual([status, 'no-store']);
  expect(reply.headers['holdfast-request-id']).toMatch(/^[\w-]{8}-\d+$/);
});

test('a value that is too large for one write is not kept either', async () => {
  const valueBytesMax = 64 * 1024;
  const { port, model } = await openApp({ limits: { valueBytesMax } });
  const value = Buffer.alloc(valueBytesMax, 'v');
  await model.submit({ op: 'put', namespace: 'default', key: 'k', value });
  const reply = await rawRequest(port, 'GET', '/v1/keys/k');
  expect([reply.body.length, reply.headers['cache-control']]).toEqual([valueBytesMax, 'no-store']);
});

test('nor are refusals that come before there is a route', async () => {
  const { app, port } = await openApp({ limits: { connectionsMax: 1 } });
  for (const bytes of [
    'GET / HTTP/9.9\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n',
    '\0',
  ]) {
    const { status, headers } = await sendRaw(port, bytes);
    expect([bytes, status >= 400, headers['cache-control']]).toEqual([bytes, true, 'no-store']);
  }
  const socket = connectToPort(port);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  await expect.poll(() => app.connections.socketCount).toBe(1);
  for (const target of ['/v1/keys/a', '/upstash/get/a']) {
    const { status, headers } = await rawRequest(port, 'GET', target);
    expect([status, headers['cache-control']]).toEqual([503, 'no-store']);
  }
});

test('files of the documentation, which never change, say what caches may do with them', async () => {
  const { url } = await openApp();
  const reply = await fetch(`${url}/docs/static/swagger-ui.css`);
  expect([reply.status, reply.headers.get('cache-control')]).toEqual([200, 'public, max-age=0']);
});
