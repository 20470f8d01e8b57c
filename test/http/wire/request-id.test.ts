import { describe, expect, test } from 'vitest';
import { newRequestId, requestIdOf } from '../../../src/http/wire/request-id.ts';
import { openApp } from '../../support/http/open-app.ts';
import { rawRequest, sendRaw } from '../../support/http/raw-request.ts';

const name = 'holdfast-request-id';
const made = /^[\w-]{8}-\d+$/;

describe('the id of a request', () => {
  test.each(['a', 'job-17', 'A/b:c_d.e+f=', '0'.repeat(128)])('is that of the client: %s', (id) => {
    expect(requestIdOf({ [name]: id })).toBe(id);
  });

  test.each([
    ['empty', ''],
    ['too long', '0'.repeat(129)],
    ['two words', 'two words'],
    ['two headers, as node joins them', 'a, b'],
    ['with a quote', 'a"b'],
    ['with a line break', 'a\nb'],
    ['not ASCII', 'é'],
  ])('is a new one if that of the client is %s', (_, id) => {
    expect(requestIdOf({ [name]: id })).toMatch(made);
  });

  test('is another one for each request', () => {
    const ids = Array.from({ length: 100 }, newRequestId);
    expect(new Set(ids).size).toBe(100);
  });
});

describe.each([
  ['the fast lane', true],
  ['the framework', false],
])('a reply by %s', (_, fastLane) => {
  const own = { headers: ['Holdfast-Request-Id: job/17'] };

  test.each([
    ['GET', '/v1/keys/none', 404],
    ['PUT', '/v1/keys/a', 201],
    ['GET', '/v1/keys', 200],
    ['POST', '/upstash', 400],
    ['GET', '/ns/', 404],
    ['GET', '/unstorage/default/none', 404],
    ['GET', '/livez', 200],
    ['GET', '/docs', 200],
  ])('to %s %s has the id that the client gave', async (method, target, status) => {
    const { port } = await openApp({ fastLane, tls: undefined });
    const body = method === 'PUT' || method === 'POST' ? { body: 'v' } : {};
    const reply = await rawRequest(port, method, target, { ...own, ...body });
    expect([reply.status, reply.headers[name]]).toEqual([status, 'job/17']);
  });

  test('to a caller without a token has the id that the client gave', async () => {
    const access = { serverTokens: { tokens: ['t'.repeat(32)] } };
    const { port } = await openApp({ fastLane, tls: undefined, access });
    const reply = await rawRequest(port, 'GET', '/v1/keys/a', own);
    expect([reply.status, reply.headers[name]]).toEqual([401, 'job/17']);
  });

  test.each([
    ['malformed', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', made],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nHoldfast-Request-Id: mine\r\n\r\n', /^mine$/],
  ])('to a request that is %s has an id', async (_kind, bytes, id) => {
    const { port } = await openApp({ fastLane, tls: undefined });
    expect((await sendRaw(port, bytes)).headers[name]).toMatch(id);
  });

  test('to a malformed body has the id of the request', async () => {
    const { port } = await openApp({ fastLane, tls: undefined });
    const head =
      'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nHoldfast-Request-Id: mine\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n';
    const reply = await sendRaw(port, `${head}not a size\r\n`);
    expect([reply.status, reply.headers[name]]).toEqual([400, 'mine']);
  });
});
