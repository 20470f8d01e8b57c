// A server that requires a token: which requests it answers, and what it tells the others.
import { Redis } from '@upstash/redis';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { UnauthenticatedRequests } from '../../../src/http/access/unauthenticated-requests.ts';
import { TrustedProxies } from '../../../src/http/access/trusted-proxies.ts';
import { openApp } from '../../support/http/open-app.ts';
import { bearer, closedAccess, fullToken, readToken } from '../../support/http/closed-access.ts';
import { rawRequest, sendRaw } from '../../support/http/raw-request.ts';

const openClosedApp = () => openApp({ access: closedAccess() });

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

async function openWithEntry() {
  const opened = await openClosedApp();
  const { url } = opened;
  await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'v', headers: bearer(fullToken) });
  return { ...opened, before: [...opened.model.entries] };
}

const noPermission = (command: string) => ({
  error: `NOPERM this user has no permissions to run the '${command}' command`,
});

function watched() {
  const lines: { withoutToken: number; withUnknownToken: number }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let nowMs = 0;
  const proxies = new TrustedProxies(['loopback']);
  const requests = new UnauthenticatedRequests({ proxies, logger, monotonicMs: () => nowMs });
  return { lines, requests, advance: (ms: number) => void (nowMs += ms) };
}

type Request = Parameters<UnauthenticatedRequests['note']>[0];
const requestFrom = (address: string, forwarded?: string) =>
  ({
    socket: { remoteAddress: address },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as Request;

describe('a request without a valid token', () => {
  const credentials: readonly (readonly [string, readonly string[]])[] = [
    ['no header', []],
    ['an empty header', ['Authorization:']],
    ['a scheme alone', ['Authorization: Bearer']],
    ['another token', ['Authorization: Bearer another-token-of-a-stranger']],
    ['a token cut short', [`Authorization: Bearer ${fullToken.slice(0, -1)}`]],
    ['a token that goes on', [`Authorization: Bearer ${fullToken}x`]],
    ['a token in other letters', [`Authorization: Bearer ${fullToken.toUpperCase()}`]],
    ['two tokens', [`Authorization: Bearer ${fullToken} ${fullToken}`]],
    ['a list of tokens', [`Authorization: Bearer ${fullToken},${readToken}`]],
    ['the token as a password', [`Authorization: Basic ${btoa(`:${fullToken}`)}`]],
    ['the token without a scheme', [`Authorization: ${fullToken}`]],
    ['the token in another header', [`X-Authorization: Bearer ${fullToken}`]],
    ['a token of 8 KiB', [`Authorization: Bearer ${'x'.repeat(8192)}`]],
    ['a token of the server’s form', ['Authorization: Bearer hf_0123456789ab_' + 'a'.repeat(43)]],
  ]; // prettier-ignore

  test.each(credentials)('but %s is answered 401 in every dialect', async (_, headers) => {
    const { port, model } = await openClosedApp();
    const targets = [
      '/v1/keys/a',
      '/unstorage/app/a',
      '/nothing',
      '/metrics',
      '/docs',
      '/v1/whoami',
    ];
    for (const target of targets) {
      const reply = await rawRequest(port, 'PUT', target, { headers, body: 'v' });
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(JSON.parse(reply.body)).toMatchObject({
        code: 'UNAUTHENTICATED',
        outcome: 'not-applied',
      });
    }
    const command = await rawRequest(port, 'POST', '/upstash/set/a/b', { headers, body: '' });
    expect(command.status).toBe(401);
    expect(JSON.parse(command.body)).toEqual({ error: 'WRONGPASS invalid or missing auth token' });
    expect(model.entries.size).toBe(0);
  });

  test('is answered before its body is read, and before its syntax is judged', async () => {
    const { port } = await openClosedApp();
    const head = 'PUT /v1/keys/%ff?ttl=never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
    expect((await sendRaw(port, `${head}Content-Length: 1000000\r\n\r\n`)).status).toBe(401);
  });

  test.each(['/livez', '/readyz'])('is answered by %s', async (target) => {
    const { url } = await openClosedApp();
    expect((await fetch(url + target)).status).toBe(200);
  });

  test('learns from /readyz only whether the server is ready', async () => {
    const { url, model } = await openClosedApp();
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true });
    await model.close();
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: false });
    const known = await fetch(`${url}/readyz`, { headers: bearer(readToken) });
    expect(await known.json()).toMatchObject({ ready: false, shards: [{ state: 'closed' }] });
  });
});

describe('HOLDFAST_TOKEN', () => {
  test('may do everything', async () => {
    const { url } = await openClosedApp();
    const headers = bearer(fullToken);
    const put = await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'v', headers });
    expect(put.status).toBe(201);
    for (const path of ['/v1/keys/a', '/v1/keys', '/metrics', '/docs', '/v1/backup']) {
      expect((await fetch(url + path, { headers })).status).toBe(200);
    }
    const whoami = await (await fetch(`${url}/v1/whoami`, { headers })).json();
    expect(whoami).toEqual({ user: '~token', grants: [{ namespace: '*', role: 'admin' }] });
  });

  test.each(['Bearer', 'bearer', 'BEARER'])('comes behind the scheme %s', async (scheme) => {
    const { url } = await openClosedApp();
    const headers = { authorization: `${scheme}  ${fullToken}` };
    expect((await fetch(`${url}/v1/keys`, { headers })).status).toBe(200);
  });

  test('comes in the query under /upstash alone, and no command sees it', async () => {
    const { url, model } = await openClosedApp();
    const token = encodeURIComponent(fullToken);
    const set = await fetch(`${url}/upstash/set/a/b?_token=${token}`);
    expect(await set.json()).toEqual({ result: 'OK' });
    const withOptions = await fetch(`${url}/upstash/set/a/c?EX=9&_token=${token}`);
    expect(await withOptions.json()).toEqual({ result: 'OK' });
    const many = await fetch(`${url}/upstash/pipeline?_token=${token}`, {
      method: 'POST',
      body: '[["GET","a"]]',
    });
    expect(await many.json()).toEqual([{ result: 'c' }]);
    expect((await fetch(`${url}/v1/keys?_token=${token}`)).status).toBe(401);
    expect((await fetch(`${url}/unstorage/app/a?_token=${token}`)).status).toBe(401);
    const twice = await fetch(`${url}/upstash/get/a?_token=${token}&_token=${token}`);
    expect(twice.status).toBe(401);
    expect(model.entries.size).toBe(1);
  });

  test('is what @upstash/redis sends as its token', async () => {
    const { url } = await openClosedApp();
    const redis = new Redis({ url: `${url}/upstash`, token: fullToken, enableTelemetry: false });
    expect(await redis.set('a', 1)).toBe('OK');
    const stranger = new Redis({ url: `${url}/upstash`, token: 'of a stranger', retry: false });
    await expect(stranger.get('a')).rejects.toThrow('WRONGPASS invalid or missing auth token');
  });
});

describe('HOLDFAST_READ_TOKEN', () => {
  const headers = bearer(readToken);

  test.each([
    ['/v1/keys/a', undefined],
    ['/v1/keys', undefined],
    ['/v1/batch', '{"operations":[{"op":"get","key":"a"}]}'],
    [
      '/v1/transactions',
      '{"checks":[{"key":"a","exists":true}],"operations":[{"op":"get","key":"a"}]}',
    ],
    ['/upstash/get/a', undefined],
    ['/upstash/pipeline', '[["GET","a"],["DBSIZE"],["SCAN","0"]]'],
    ['/upstash/multi-exec', '[["GET","a"]]'],
    ['/unstorage/default/a', undefined],
    ['/unstorage/default/:', undefined],
    ['/metrics', undefined],
    ['/docs', undefined],
    ['/v1/whoami', undefined],
  ])('reads by %s', async (path, body) => {
    const { url } = await openWithEntry();
    const init = body === undefined ? {} : { method: 'POST', body };
    const reply = await fetch(url + path, { ...init, headers });
    expect(reply.status).toBe(200);
    expect(await reply.text()).not.toContain('NOPERM');
  });

  test.each([
    ['PUT', '/v1/keys/a', 'w'],
    ['PUT', '/v1/keys/new?ttl=never', 'w'],
    ['DELETE', '/v1/keys/a', undefined],
    ['DELETE', '/v1/keys/missing', undefined],
    ['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"a","value":"w"}]}'],
    [
      'POST',
      '/v1/transactions',
      '{"checks":[{"key":"a","exists":false}],"operations":[{"op":"delete","key":"a"}]}',
    ],
    ['PUT', '/unstorage/default/a', 'w'],
    ['DELETE', '/unstorage/default/a', undefined],
    ['DELETE', '/unstorage/default/:', undefined],
    ['GET', '/v1/backup', undefined],
  ])('may not %s %s: 403, and nothing is done', async (method, path, body) => {
    const { url, model, before } = await openWithEntry();
    const reply = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    expect([reply.status, await codeOf(reply)]).toEqual([403, 'FORBIDDEN']);
    expect([...model.entries]).toEqual(before);
  });

  test('is refused a batch’s writes, each on its own', async () => {
    const { url, model, before } = await openWithEntry();
    const operations = [
      { op: 'get', key: 'a' },
      { op: 'put', key: 'a', value: 'w' },
      { op: 'delete', key: 'missing' },
    ];
    const body = JSON.stringify({ operations });
    const reply = await fetch(`${url}/v1/batch`, { method: 'POST', body, headers });
    expect(await reply.json()).toMatchObject({
      results: [
        { status: 200 },
        { status: 403, code: 'FORBIDDEN' },
        { status: 403, code: 'FORBIDDEN' },
      ],
    });
    expect([...model.entries]).toEqual(before);
  });

  test.each([
    ['SET a w', 'set'],
    ['INCR n', 'incr'],
    ['FLUSHDB', 'flushdb'],
    ['FLUSHALL', 'flushall'],
    ['DEL a', 'del'],
    ['MSET a 1 b 2', 'mset'],
    ['RENAME a b', 'rename'],
  ])('may not run %s: alone 403, in a pipeline an error of its own', async (text, name) => {
    const { url, model, before } = await openWithEntry();
    const words = JSON.stringify(text.split(' '));
    const alone = await fetch(`${url}/upstash`, { method: 'POST', body: words, headers });
    expect([alone.status, await alone.json()]).toEqual([403, noPermission(name)]);
    const body = `[["GET","a"],${words},["GET","a"]]`;
    const many = await fetch(`${url}/upstash/pipeline`, { method: 'POST', body, headers });
    expect([many.status, await many.json()]).toEqual([
      200,
      [{ result: 'v' }, noPermission(name), { result: 'v' }],
    ]);
    expect([...model.entries]).toEqual(before);
  });

  test('may run no write in a transaction of commands: all of them are discarded', async () => {
    const { url, model, before } = await openWithEntry();
    const body = '[["GET","a"],["SET","a","w"]]';
    const reply = await fetch(`${url}/upstash/multi-exec`, { method: 'POST', body, headers });
    expect(reply.status).toBe(400);
    const { error } = (await reply.json()) as { error: string };
    expect(error).toContain('EXECABORT');
    expect(error).toContain("NOPERM this user has no permissions to run the 'set' command");
    expect([...model.entries]).toEqual(before);
  });

  test('is given no answer that was kept for a request of another user', async () => {
    const { url } = await openWithEntry();
    const once = { 'idempotency-key': 'k1' };
    const init = { method: 'PUT', body: 'w' };
    const first = await fetch(`${url}/v1/keys/a`, {
      ...init,
      headers: { ...bearer(fullToken), ...once },
    });
    expect(first.status).toBe(204);
    const other = await fetch(`${url}/v1/keys/a`, { ...init, headers: { ...headers, ...once } });
    expect([other.status, other.headers.get('idempotent-replayed')]).toEqual([403, null]);
  });
});

describe('refused tokens', () => {
  test('are logged at most once a minute, with their number', () => {
    const { lines, requests, advance } = watched();
    for (let i = 0; i < 1000; i++) requests.note(requestFrom('192.0.2.1'), i % 2 === 0);
    advance(60_000);
    requests.note(requestFrom('192.0.2.1'), true);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ withoutToken: 0, withUnknownToken: 1 });
    expect(lines[1]).toMatchObject({ withoutToken: 500, withUnknownToken: 500 });
    expect([requests.missing, requests.unknown]).toEqual([500, 501]);
  });

  test('are logged by address only if a trusted proxy tells it', () => {
    const { lines, requests, advance } = watched();
    requests.note(requestFrom('192.0.2.1', '198.51.100.7'), true);
    advance(60_000);
    requests.note(requestFrom('127.0.0.1', '203.0.113.9, 198.51.100.7, 127.0.0.1'), true);
    expect(lines[0]).not.toHaveProperty('addresses');
    expect(lines[1]).toMatchObject({ addresses: { '198.51.100.7': 1 } });
  });

  test('take bounded memory, whatever addresses they come from', () => {
    const { lines, requests, advance } = watched();
    requests.note(requestFrom('127.0.0.1', '192.0.2.1'), true);
    for (let i = 0; i < 5000; i++) {
      requests.note(requestFrom('::1', `10.0.${i >> 8}.${i & 255}`), true);
    }
    advance(60_000);
    requests.note(requestFrom('127.0.0.1', '192.0.2.1'), true);
    const { addresses = {} } = lines[1] as unknown as { addresses?: object };
    expect(Object.keys(addresses)).toHaveLength(20);
  });
});
