// Requests that spell a namespace, a token or the server's name in ways that could lead past the
// rules. Each is refused, or means one thing alone.
import { describe, expect, test } from 'vitest';
import { bearer, closedAccess, fullToken, readToken } from '../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { rawRequest, sendRaw } from '../../support/http/raw-request.ts';

async function openTwo(options: Parameters<typeof openApp>[0] = {}) {
  const opened = await openApp({ access: closedAccess(), ...options });
  const { access, model } = opened;
  await makeNamespaces(access, 'app', 'other');
  for (const namespace of ['app', 'other', 'default']) {
    void model.submit({ op: 'put', namespace, key: 'a', value: Buffer.from(`of ${namespace}`) });
  }
  // The first token would close an open server.
  const { token } = access.callers.isOpen
    ? { token: '' }
    : await makeToken(access, 'ann', [{ namespace: 'app', role: 'admin' }]);
  return { ...opened, token, before: [...model.clientNames] };
}

const authorization = (token: string): string => `Authorization: Bearer ${token}`;

describe('the prefix /ns/', () => {
  test.each([
    '/%6Es/app/v1/keys/a',
    '/n%73/app/v1/keys/a',
    '/%6e%73/app/v1/keys/a',
    '/ns%2Fapp/v1/keys/a',
    '//ns/app/v1/keys/a',
    '/NS/app/v1/keys/a',
    '/Ns/app/v1/keys/a',
    '/ns//app/v1/keys/a',
    '/ns/',
    '/ns',
    '/ns?x',
    '/ns/ap%70/v1/keys/a',
    '/ns/%61pp/v1/keys/a',
    '/ns/app%2Fv1/keys/a',
    '/ns/.app/v1/keys/a',
    '/ns/../v1/keys/a',
    '/ns/./v1/keys/a',
    '/ns/~access/v1/keys',
    '/ns/~namespaces/v1/keys',
    '/ns/~idempotency/v1/keys',
    '/ns/*/v1/keys/a',
    '/ns/a+b/v1/keys/a',
    `/ns/${'x'.repeat(65)}/v1/keys/a`,
    '/ns/app/ns/other/v1/keys/a',
    '/ns/app//ns/other/v1/keys/a',
    '/ns/app/%6Es/other/v1/keys/a',
    '/ns/app/NS/other/v1/keys/a',
    '/ns/app/unstorage/other/a',
    '/ns/app/v1/admin/users',
    '/ns/app/metrics',
    '/ns/app/livez',
    '/ns/app/docs',
    '/ns/app',
    '/ns/app?_token=x',
    'http://localhost/NS/app/v1/keys/a',
    'http://localhost//ns/app/v1/keys/a',
  ])('spelled %s leads nowhere, before a token is looked at', async (target) => {
    const { port, model, before } = await openTwo();
    for (const headers of [[], [authorization(fullToken)], [authorization('of a stranger')]]) {
      const reply = await rawRequest(port, 'PUT', target, { headers, body: 'v' });
      expect(reply.status).toBe(404);
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    }
    expect(model.clientNames).toEqual(before);
  });

  test.each([
    '/ns/app/v1/keys/a',
    '/ns/app/v1/keys/%61',
    '/ns/app/upstash/get/a',
    'http://localhost/ns/app/v1/keys/a',
    'HTTP://localhost/ns/app/v1/keys/a',
    '/v1/keys/a',
    '/unstorage/app/a',
    '/unstorage/%61pp/a',
    '/unstorage/app//a',
  ])('or another name of the namespace in %s leads into that one alone', async (target) => {
    const { port, token } = await openTwo();
    const headers = [authorization(token)];
    const reply = await rawRequest(port, 'GET', target, { headers });
    expect([reply.status, reply.body]).toEqual([200, expect.stringContaining('of app')]);
  });

  test.each([
    '/ns/app/../other/v1/keys/a',
    '/ns/app/v1/../../other/v1/keys/a',
    '/ns/app/..%2fother/v1/keys/a',
    '/ns/app/./v1/keys/a',
    '/ns/app/%2e%2e/other/v1/keys/a',
    '/./ns/other/v1/keys/a',
    '/v1/../ns/other/v1/keys/a',
    '/\\ns/other/v1/keys/a',
    '/;/ns/other/v1/keys/a',
    '/v1/keys/../../ns/other/v1/keys/a',
  ])('is resolved by no dots: %s', async (target) => {
    const { port, token } = await openTwo();
    const reply = await rawRequest(port, 'GET', target, { headers: [authorization(token)] });
    expect(reply.status).toBe(404);
    expect(reply.body).not.toContain('of other');
  });
});

describe('with commands at /', () => {
  test.each([
    '/%6Es/app/get/a',
    '//ns/app/get/a',
    '/NS/app/get/a',
    '/ns/app/ns/other/get/a',
    '/ns/app//ns/other/get/a',
    '/ns/~access/get/a',
    '/ns/app/v1/admin/users',
    '/ns/app/unstorage/other/a',
    '/ns/app/metrics',
    '/ns/app/readyz',
    '/ns/app/docs/json',
  ])('the path %s leads nowhere', async (target) => {
    const { port } = await openTwo({ upstashAtRoot: true });
    const reply = await rawRequest(port, 'GET', target, { headers: [authorization(fullToken)] });
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
  });

  test('a namespace in front of them is the only one, and a token is needed', async () => {
    const { port, token } = await openTwo({ upstashAtRoot: true });
    const get = (target: string, headers: readonly string[]) =>
      rawRequest(port, 'GET', target, { headers });
    const own = [authorization(token)];
    expect((await get('/get/a', own)).body).toBe('{"result":"of app"}');
    expect((await get('/ns/app/get/a', own)).body).toBe('{"result":"of app"}');
    expect((await get(`/ns/app/get/a?_token=${token}`, [])).body).toBe('{"result":"of app"}');
    expect((await get('/ns/other/get/a', own)).status).toBe(403);
    for (const target of ['/get/a', '/ns/app/get/a', '/', '/metrics', '/%6Divez', '/livez/get']) {
      // oxlint-disable-next-line no-await-in-loop
      expect((await get(target, [])).status).toBe(401);
    }
  });
});

describe('the header Holdfast-Namespace', () => {
  test.each([
    ['another name in the path', '/ns/app/v1/keys/a', ['Holdfast-Namespace: other']],
    ['another name in the path of unstorage', '/unstorage/app/a', ['Holdfast-Namespace: other']],
    ['two names', '/v1/keys/a', ['Holdfast-Namespace: app', 'Holdfast-Namespace: other']],
    ['one name twice', '/v1/keys/a', ['Holdfast-Namespace: app', 'holdfast-namespace: app']],
    ['a list', '/v1/keys/a', ['Holdfast-Namespace: app, other']],
    ['no name', '/v1/keys/a', ['Holdfast-Namespace:']],
    ['an encoded name', '/v1/keys/a', ['Holdfast-Namespace: %61pp']],
    ['a dot', '/v1/keys/a', ['Holdfast-Namespace: .']],
    ['every namespace', '/v1/keys/a', ['Holdfast-Namespace: *']],
    ['the records of users', '/v1/keys/a', ['Holdfast-Namespace: ~access']],
    ['the records of namespaces', '/v1/keys/a', ['Holdfast-Namespace: ~namespaces']],
    ['kept answers', '/v1/keys/a', ['Holdfast-Namespace: ~idempotency']],
    ['kept answers, by commands', '/upstash/get/a', ['Holdfast-Namespace: ~idempotency']],
  ])('with %s is refused to each caller', async (_, target, lines) => {
    const { port, token, model, before } = await openTwo();
    for (const each of [token, fullToken]) {
      const headers = [authorization(each), ...lines];
      for (const method of ['GET', 'PUT']) {
        const reply = await rawRequest(port, method, target, { headers, body: 'v' });
        expect(reply.status).toBe(400);
      }
    }
    expect(model.clientNames).toEqual(before);
  });

  test('is about no namespace of the administration', async () => {
    const { port, token } = await openTwo();
    const headers = [authorization(token), 'Holdfast-Namespace: app'];
    const reply = await rawRequest(port, 'GET', '/v1/admin/namespaces/other', { headers });
    expect(reply.status).toBe(403);
  });
});

describe('the server’s own namespaces', () => {
  test.each([
    ['GET', '/unstorage/~access/:'],
    ['GET', '/unstorage/%7Eaccess/:'],
    ['GET', '/unstorage/~access/{access}rule'],
    ['PUT', '/unstorage/~access/{access}rule'],
    ['DELETE', '/unstorage/~namespaces/:'],
    ['GET', '/unstorage/~idempotency/:'],
    ['GET', '/v1/backup?namespace=~access'],
    ['GET', '/v1/backup?namespace=%7Eaccess'],
    ['PUT', '/v1/admin/namespaces/~access'],
    ['PUT', '/v1/admin/namespaces/%7Enamespaces'],
    ['POST', '/v1/admin/users/ann/tokens'],
  ])('are no namespaces to a client: %s %s', async (method, target) => {
    const { port, model } = await openTwo();
    const before = [...model.entries.keys()];
    const grants = [{ namespace: '~access', role: 'admin' }];
    const body = target.endsWith('tokens') ? JSON.stringify({ name: 't', grants }) : '{}';
    const headers = [authorization(fullToken)];
    const reply = await rawRequest(port, method, target, { headers, body });
    expect([reply.status, JSON.parse(reply.body)]).toMatchObject([
      400,
      { code: 'NAMESPACE_INVALID' },
    ]);
    expect([...model.entries.keys()]).toEqual(before);
  });

  test.each(['GET', 'DELETE'])('are not found by %s of the administration', async (method) => {
    const { port, access } = await openTwo();
    const headers = [authorization(fullToken)];
    const reply = await rawRequest(port, method, '/v1/admin/namespaces/~access', { headers });
    expect(reply.status).toBe(404);
    expect(access.callers.userCount).toBe(1);
  });

  test('stand in no list, no count and no walk of the default one', async () => {
    const { url } = await openTwo();
    const headers = { ...bearer(fullToken), 'idempotency-key': 'k' };
    await fetch(`${url}/v1/keys/b`, { method: 'PUT', body: 'v', headers });
    const many =
      '[["KEYS","*"],["SCAN","0","COUNT","1000"],["DBSIZE"],["KEYS","{*"],["KEYS","~*"]]';
    const replies = await Promise.all([
      fetch(`${url}/v1/keys`, { headers: bearer(fullToken) }),
      fetch(`${url}/unstorage/default/:`, { headers: bearer(fullToken) }),
      fetch(`${url}/upstash/pipeline`, { method: 'POST', body: many, headers: bearer(fullToken) }),
      fetch(`${url}/v1/admin/namespaces`, { headers: bearer(fullToken) }),
    ]);
    for (const reply of replies) {
      const text = await reply.text();
      expect(text).not.toMatch(/~|access|idempotency|\{[0-9a-z]+\}/);
      expect(reply.status).toBe(200);
    }
  });
});

describe('names that are also names of JavaScript', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '-', '_'])(
    '%s is a user and a namespace like any other',
    async (name) => {
      const { url, access } = await openTwo();
      const headers = bearer(fullToken);
      const tokenOf = async (user: string) => {
        await fetch(`${url}/v1/admin/users/${user}`, { method: 'PUT', headers });
        const body = JSON.stringify({ name: 't', grants: [{ namespace: name, role: 'write' }] });
        const made = await fetch(`${url}/v1/admin/users/${user}/tokens`, {
          method: 'POST',
          body,
          headers,
        });
        return ((await made.json()) as { token: string }).token;
      };
      const token = await tokenOf(name);
      const target = `${url}/ns/${name}/v1/keys/${name}`;
      const put = (own: string) =>
        fetch(target, { method: 'PUT', body: 'v', headers: bearer(own) });
      expect((await put(token)).status).toBe(403);
      expect((await put(fullToken)).status).toBe(201);
      expect((await put(token)).status).toBe(204);
      const foreign = await makeToken(access, 'eve', [{ namespace: 'other', role: 'admin' }]);
      expect((await put(foreign.token)).status).toBe(403);
      const dropped = await fetch(`${url}/v1/admin/namespaces/${name}`, {
        method: 'DELETE',
        headers,
      });
      expect(dropped.status).toBe(204);
      expect((await put(token)).status).toBe(401);
    },
  );
});

describe('two tokens', () => {
  const valid = authorization(fullToken);
  const unknown = authorization('the-token-of-a-stranger');

  test.each([
    ['valid, then unknown', [valid, unknown], 400],
    ['unknown, then valid', [unknown, valid], 401],
    ['the same twice', [valid, valid], 400],
    ['valid, then another valid', [valid, authorization(readToken)], 400],
    ['valid, then empty', [valid, 'Authorization:'], 400],
    ['empty, then valid', ['Authorization:', valid], 401],
    ['Basic, then valid', ['Authorization: Basic eDp5', valid], 401],
    ['in two spellings of the name', [valid, `aUTHORIZATION: Bearer ${readToken}`], 400],
  ])('%s: nothing is done', async (_, headers, status) => {
    const { port, model, before } = await openTwo();
    for (const target of ['/v1/keys/b', '/unstorage/default/b', '/upstash/set/b']) {
      const reply = await rawRequest(port, 'PUT', target, { headers, body: 'v' });
      expect(reply.status).toBe(status);
      expect(reply.body).not.toContain(fullToken);
    }
    expect(model.clientNames).toEqual(before);
  });

  test('in a header and in _token have to be the same', async () => {
    const { port, model, before } = await openTwo();
    const set = (token: string, line: string) =>
      rawRequest(port, 'POST', `/upstash/set/b/v?_token=${token}`, { headers: [line], body: '' });
    expect((await set('the-token-of-a-stranger', valid)).status).toBe(401);
    expect((await set(fullToken, unknown)).status).toBe(401);
    expect((await set(readToken, valid)).status).toBe(401);
    expect((await set('', valid)).status).toBe(401);
    expect(model.clientNames).toEqual(before);
    expect((await set(fullToken, valid)).status).toBe(200);
  });

  test('in the query are none, however the parameter is spelled', async () => {
    const { port } = await openTwo();
    const names = ['_token', '%5Ftoken', '_%74oken'];
    for (const name of names) {
      const once = `/upstash/get/a?${name}=${fullToken}`;
      expect((await rawRequest(port, 'GET', once)).status).toBe(200);
      for (const other of names) {
        const twice = `${once}&${other}=${fullToken}`;
        expect((await rawRequest(port, 'GET', twice)).status).toBe(401);
      }
    }
    const broken = `/upstash/get/a?%5ftoke%=${fullToken}`;
    expect((await rawRequest(port, 'GET', broken)).status).toBe(401);
    const behindHash = `/upstash/get/a#?_token=${fullToken}`;
    expect((await rawRequest(port, 'GET', behindHash)).status).not.toBe(200);
  });
});

describe('on an open server, a host in the target', () => {
  test.each([
    'http://page.example/v1/keys/a',
    'http://page.example/ns/app/v1/keys/a',
    'http://page.example/ns/app/upstash/get/a',
    'http://localhost@page.example/ns/app/v1/keys/a',
  ])('counts as well as the one of Host: %s', async (target) => {
    const { port } = await openTwo({ access: {} });
    const reply = await rawRequest(port, 'GET', target);
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('FORBIDDEN_ORIGIN');
  });
});

describe('forged headers of a proxy', () => {
  const forged = [
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Host: localhost',
    'X-Forwarded-Proto: https',
    'X-Forwarded-User: ann',
    'X-Real-IP: 127.0.0.1',
    'Forwarded: for=127.0.0.1;host=localhost',
    `X-Forwarded-Authorization: Bearer ${fullToken}`,
    `Proxy-Authorization: Bearer ${fullToken}`,
    'X-Original-URL: /livez',
    'X-Rewrite-URL: /livez',
    'X-HTTP-Method-Override: GET',
    `Cookie: token=${fullToken}; authorization=Bearer ${fullToken}`,
  ];

  test.each([[[]], [['loopback']]])('give no rights, with trustProxy %j', async (trustProxy) => {
    const { port, model, before } = await openTwo({ access: closedAccess({ trustProxy }) });
    const reply = await rawRequest(port, 'PUT', '/v1/keys/b', { headers: forged, body: 'v' });
    expect(reply.status).toBe(401);
    const reader = [authorization(readToken), ...forged];
    expect(
      (await rawRequest(port, 'PUT', '/v1/keys/b', { headers: reader, body: 'v' })).status,
    ).toBe(403);
    expect(model.clientNames).toEqual(before);
  });

  test('do not make a foreign host the server’s own', async () => {
    const { url, port } = await openTwo({ access: {} });
    const host = ['Host: page.example', ...forged];
    const bytes = ['GET /v1/keys/a HTTP/1.1', 'Connection: close', ...host, '', ''].join('\r\n');
    expect((await sendRaw(port, bytes)).status).toBe(403);
    expect((await fetch(`${url}/v1/keys/a`)).status).toBe(200);
  });
});
