// Over bare sockets: correct, careless and hostile requests, and the exact answers.
import { describe, expect, test } from 'vitest';
import { openApp, testLimits } from '../support/http/open-app.ts';
import { rawRequest, sendRaw } from '../support/http/raw-request.ts';

const { keyBytesMax } = testLimits;
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('ordinary keys, however odd', () => {
  test.each([
    ['.', '.'],
    ['..', '..'],
    ['../x', '../x'],
    ['a//b', 'a//b'],
    ['/a', '/a'],
    ['a/', 'a/'],
    ['%2F', '/'],
    ['%2e%2E', '..'],
    ['%00', '\0'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['a+b', 'a+b'],
    ['a%20b', 'a b'],
    ['%3F%23', '?#'],
    ['%2525', '%25'],
    ['a;b', 'a;b'],
    ['-', '-'],
    ['%F0%9F%90%9F', utf8('🐟')],
    ['%EF%BB%BF', utf8('\u{FEFF}')],
    ['k'.repeat(keyBytesMax), 'k'.repeat(keyBytesMax)],
    ['%6B'.repeat(keyBytesMax), 'k'.repeat(keyBytesMax)],
    ['%C3%BC'.repeat(keyBytesMax / 2), utf8('ü'.repeat(keyBytesMax / 2))],
  ])('the target %j is the key %j', async (target, key) => {
    const { port, model } = await openApp();
    expect((await rawRequest(port, 'PUT', `/v1/keys/${target}`, { body: 'v' })).status).toBe(201);
    expect([...model.entries.keys()]).toEqual([`default\n${key}`]);
    expect((await rawRequest(port, 'GET', `/v1/keys/${target}`)).body).toBe('v');
    expect((await rawRequest(port, 'DELETE', `/v1/keys/${target}`)).status).toBe(204);
  });
});

describe('targets that are no key', () => {
  test.each([
    ['', 'KEY_INVALID'],
    ['%FF', 'KEY_INVALID'],
    ['%C3', 'KEY_INVALID'],
    ['%C0%80', 'KEY_INVALID'],
    ['%ED%A0%80', 'KEY_INVALID'],
    ['%', 'KEY_INVALID'],
    ['%z', 'KEY_INVALID'],
    ['%zz', 'KEY_INVALID'],
    ['a%4', 'KEY_INVALID'],
    ['a#b', 'BAD_REQUEST'],
    ['#', 'BAD_REQUEST'],
    ['a?b=1', 'BAD_REQUEST'],
    ['a?%zz', 'BAD_REQUEST'],
    ['a?%FF=1', 'BAD_REQUEST'],
  ])('%j is refused with %s', async (target, code) => {
    const { port } = await openApp();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const reply = await rawRequest(port, method, `/v1/keys/${target}`, { body: '' });
      expect(reply.status).toBe(400);
      expect(reply.headers['content-type']).toBe('application/problem+json');
      expect(reply.headers['x-content-type-options']).toBe('nosniff');
      expect(JSON.parse(reply.body)).toMatchObject({ code, outcome: 'not-applied' });
    }
  });

  test.each(['k'.repeat(keyBytesMax + 1), '%6B'.repeat(keyBytesMax + 1), 'k'.repeat(5000)])(
    'a key beyond the limit is refused with the limit',
    async (target) => {
      const { port } = await openApp();
      const reply = await rawRequest(port, 'GET', `/v1/keys/${target}`);
      expect(reply.status).toBe(400);
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'KEY_INVALID', limit: keyBytesMax });
    },
  );
});

describe('paths and methods', () => {
  test.each([
    ['GET', '/', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/v1', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/V1/keys/a', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '//v1/keys/a', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/v1/../v1/keys/a', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/%zz', 400, 'BAD_REQUEST'],
    ['GET', '/%FF', 400, 'BAD_REQUEST'],
    ['OPTIONS', '*', 404, 'ROUTE_NOT_FOUND'],
    ['POST', '/nowhere', 404, 'ROUTE_NOT_FOUND'],
  ])('%s %s is a %d', async (method, target, status, code) => {
    const { port } = await openApp();
    const reply = await rawRequest(port, method, target);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.body)).toMatchObject({ code, status });
  });

  test.each([
    ['POST', '/v1/keys/a', 'DELETE, GET, HEAD, PUT'],
    ['PATCH', '/v1/keys/a', 'DELETE, GET, HEAD, PUT'],
    ['OPTIONS', '/v1/keys/a', 'DELETE, GET, HEAD, PUT'],
    ['TRACE', '/v1/keys/a', 'DELETE, GET, HEAD, PUT'],
    ['PROPFIND', '/v1/keys/a', 'DELETE, GET, HEAD, PUT'],
    ['PUT', '/v1/keys', 'DELETE, GET, HEAD'],
    ['POST', '/v1/keys?prefix=a', 'DELETE, GET, HEAD'],
    ['GET', '/v1/batch', 'POST'],
    ['PUT', '/v1/transactions', 'POST'],
    ['POST', '/livez', 'GET, HEAD'],
    ['PUT', '/metrics', 'GET, HEAD'],
  ])('%s %s is a 405 that names %s', async (method, target, allow) => {
    const { port } = await openApp();
    const reply = await rawRequest(port, method, target, { body: '{"a":' });
    expect(reply.status).toBe(405);
    expect(reply.headers['allow']).toBe(allow);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'METHOD_NOT_ALLOWED', retryable: false });
  });

  test('the absolute form of a target names the same key', async () => {
    const { port } = await openApp();
    await rawRequest(port, 'PUT', 'http://localhost/v1/keys/a//..', { body: 'v' });
    expect((await rawRequest(port, 'GET', '/v1/keys/a//..')).body).toBe('v');
    expect((await rawRequest(port, 'GET', 'http://x/livez')).status).toBe(200);
  });
});

describe('bytes that are no HTTP', () => {
  test.each([
    ['nonsense\r\n\r\n', 400, 'BAD_REQUEST'],
    ['GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    ['GET /livez HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('%j is answered in the form of all errors', async (bytes, status, code) => {
    const { port } = await openApp();
    const reply = await sendRaw(port, bytes);
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(reply.body)).toMatchObject({ code, status });
  });

  test('a request that does not arrive in time is a 408', async () => {
    const { port } = await openApp({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const headers = await sendRaw(port, 'GET /livez HTTP/1.1\r\nHost');
    expect(headers.status).toBe(408);
    const lines = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf';
    const body = await sendRaw(port, lines);
    expect(JSON.parse(body.body)).toMatchObject({ code: 'REQUEST_TIMEOUT', retryable: true });
  });

  test('requests before malformed bytes are answered, and those behind them are not', async () => {
    const { port, model } = await openApp();
    const put = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv';
    const reply = await sendRaw(port, `${put}garbage\r\n\r\n${put}`);
    expect(reply.status).toBe(201);
    expect(model.entries.size).toBe(1);
  });

  test.each(['/v1/keys/a', '/unstorage/default/a'])(
    'a DELETE of %s whose body is malformed deletes nothing',
    async (target) => {
      const { port, model } = await openApp();
      await model.submit({ op: 'put', namespace: 'default', key: 'a', value: Buffer.from('v') });
      const lines = [`DELETE ${target} HTTP/1.1`, 'Host: localhost', 'Transfer-Encoding: chunked'];
      const { status, body } = await sendRaw(port, `${lines.join('\r\n')}\r\n\r\nzz\r\n`);
      expect([status, model.entries.has('default\na')]).toEqual([400, true]);
      expect(body).toContain('not-applied');
    },
  );

  test('a DELETE with a body that means nothing is carried out', async () => {
    const { port, model } = await openApp();
    await model.submit({ op: 'put', namespace: 'default', key: 'a', value: Buffer.from('v') });
    expect((await rawRequest(port, 'DELETE', '/v1/keys/a', { body: 'why' })).status).toBe(204);
    const { status, body } = await rawRequest(port, 'DELETE', '/v1/keys/a', {
      body: 'x'.repeat(17_000),
    });
    expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([
      413,
      'REQUEST_TOO_LARGE',
    ]);
  });
});
