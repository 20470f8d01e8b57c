// An open server answers programs of its machine, and no page that a browser shows there.
import { describe, expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { parseReply, sendRaw, type RawReply } from '../../support/http/raw-request.ts';

type Access = NonNullable<Parameters<typeof openApp>[0]>['access'];

async function ask(
  head: string,
  {
    access = {},
    target = '/v1/keys/a',
    method = 'PUT',
  }: {
    access?: Access;
    target?: string;
    method?: string;
  } = {},
): Promise<RawReply & { readonly entries: number; readonly port: number }> {
  const { port, model } = await openApp({ access: access ?? {} });
  const text = head.replaceAll('PORT', String(port));
  const lines = `${method} ${target} HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n${text}\r\nv`;
  const reply = await sendRaw(port, lines);
  return { ...reply, entries: model.entries.size, port };
}

const host = 'Host: 127.0.0.1:PORT\r\n';

describe('an open server lets in', () => {
  test.each([
    ['a program', host],
    ['a program that calls localhost', 'Host: localhost:PORT\r\n'],
    ['a program that calls a name below localhost, with a final dot', 'Host: kv.localhost.\r\n'],
    ['a program that calls IPv6 loopback', 'Host: [::1]:PORT\r\n'],
    [
      'a page of its own origin',
      `${host}Origin: http://127.0.0.1:PORT\r\nSec-Fetch-Site: same-origin\r\n`,
    ],
    ['a person that types the address', `${host}Sec-Fetch-Site: none\r\n`],
  ])('%s', async (_, head) => {
    expect(await ask(head)).toMatchObject({ status: 201, entries: 1 });
  });

  test('a page of an origin in corsOrigins, whatever Sec-Fetch-Site says', async () => {
    const access = { corsOrigins: ['https://app.example'] };
    const head = `${host}Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n`;
    expect(await ask(head, { access })).toMatchObject({ status: 201, entries: 1 });
  });

  test.each(['kv.internal', 'KV.internal:7411', 'kv.internal.'])(
    'a program that calls it %s, as in allowedHosts',
    async (name) => {
      const access = { allowedHosts: ['Kv.Internal'] };
      expect(await ask(`Host: ${name}\r\n`, { access })).toMatchObject({ status: 201 });
    },
  );

  test('only the port in allowedHosts, if it has one', async () => {
    const access = { allowedHosts: ['kv.internal:7411'] };
    expect((await ask('Host: kv.internal:7411\r\n', { access })).status).toBe(201);
    expect((await ask('Host: kv.internal:7412\r\n', { access })).status).toBe(403);
    expect((await ask('Host: kv.internal\r\n', { access })).status).toBe(403);
  });

  test.each(['/livez', '/readyz'])('anyone to %s', async (target) => {
    const head =
      'Host: page.example\r\nOrigin: https://page.example\r\nSec-Fetch-Site: cross-site\r\n';
    expect((await ask(head, { target, method: 'GET' })).status).toBe(200);
  });
});

const pages: readonly (readonly [string, string])[] = [
  ['of another origin', `${host}Origin: https://page.example\r\n`],
  ['of another port', `${host}Origin: http://127.0.0.1:1\r\n`],
  ['of another scheme', `${host}Origin: https://127.0.0.1:PORT\r\n`],
  ['of another loopback name', `${host}Origin: http://localhost:PORT\r\n`],
  ['without an origin of its own, as in a sandbox', `${host}Origin: null\r\n`],
  ['of an origin that is none', `${host}Origin: x\r\n`],
  ['of two origins', `${host}Origin: http://127.0.0.1:PORT\r\nOrigin: https://page.example\r\n`],
  ['that shows an image', `${host}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n`],
  ['of the same site, on another port', `${host}Sec-Fetch-Site: same-site\r\n`],
  ['with an unknown Sec-Fetch-Site', `${host}Sec-Fetch-Site: other\r\n`],
  ['with its own origin, but from another site', `${host}Origin: http://127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site\r\n`],
  ['of a name that points here', 'Host: page.example:PORT\r\nOrigin: http://page.example:PORT\r\nSec-Fetch-Site: same-origin\r\n'],
  ['of such a name, in a navigation', 'Host: page.example\r\nSec-Fetch-Site: none\r\n'],
]; // prettier-ignore

describe('an open server refuses the page', () => {
  test.each(pages)('%s, in every dialect, and does nothing', async (_, head) => {
    const targets = [
      ['PUT', '/v1/keys/a', 'application/problem+json'],
      ['GET', '/upstash/set/a/b', 'application/json'],
      ['PUT', '/unstorage/app/a', 'application/problem+json'],
      ['POST', '/v1/batch', 'application/problem+json'],
      ['GET', '/docs', 'application/problem+json'],
      ['OPTIONS', '/v1/keys/a', 'application/problem+json'],
      ['GET', '/nothing', 'application/problem+json'],
    ] as const;
    for (const [method, target, mediaType] of targets) {
      const reply = await ask(head, { target, method });
      expect(reply).toMatchObject({ status: 403, entries: 0 });
      expect(reply.headers['content-type']).toBe(mediaType);
      expect(reply.body).toContain('FORBIDDEN_ORIGIN');
    }
  });
});

describe('an open server refuses a request', () => {
  test.each([
    ['for a name that is not its own', 'Host: kv.example\r\n'],
    ['for an address of the network', 'Host: 10.0.0.1\r\n'],
    ['for no name', 'Host:\r\n'],
    ['for something that is no name', 'Host: a b\r\n'],
    ['for a name that begins like loopback', 'Host: 127.0.0.1.example\r\n'],
    ['without a Host', ''],
  ])('%s', async (_, head) => {
    expect(await ask(head)).toMatchObject({ status: 403, entries: 0 });
  });

  test('whose target names another host than Host does', async () => {
    const reply = await ask(host, { target: 'http://page.example/v1/keys/a' });
    expect(reply).toMatchObject({ status: 403, entries: 0 });
  });

  test('in HTTP/1.0 without a Host', async () => {
    const { port } = await openApp();
    expect((await sendRaw(port, 'GET /v1/keys HTTP/1.0\r\n\r\n')).status).toBe(403);
  });
});

test('a server that requires a token does not look at Host', async () => {
  const head = `Host: kv.example\r\nAuthorization: Bearer ${fullToken}\r\n`;
  expect(await ask(head, { access: closedAccess() })).toMatchObject({ status: 201 });
});

describe('X-Forwarded headers', () => {
  const forged = `${host}X-Forwarded-Host: page.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\n`;

  test('change nothing if their sender is no trusted proxy', async () => {
    const origin = 'Origin: https://page.example\r\n';
    expect((await ask(forged)).status).toBe(201);
    expect((await ask(`${forged}${origin}`)).status).toBe(403);
    const elsewhere = { trustProxy: ['10.0.0.0/8', '192.168.1.1', 'fd00::/8'] };
    expect((await ask(`${forged}${origin}`, { access: elsewhere })).status).toBe(403);
  });

  test('of a trusted proxy name the scheme and the host that the page knows', async () => {
    const access = { trustProxy: ['loopback'], allowedHosts: ['kv.example'] };
    const through = `${host}X-Forwarded-Host: kv.example\r\nX-Forwarded-Proto: https\r\n`;
    expect((await ask(`${through}Origin: https://kv.example\r\n`, { access })).status).toBe(201);
    expect((await ask(`${through}Origin: http://kv.example\r\n`, { access })).status).toBe(403);
  });

  test('of a trusted proxy name no host that allowedHosts does not list', async () => {
    const reply = await ask(forged, { access: { trustProxy: ['127.0.0.1'] } });
    expect(reply).toMatchObject({ status: 403, entries: 0 });
  });
});

const preflight = (origin: string): string =>
  `${host}Origin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization, upstash-telemetry-sdk, upstash-new\r\n`;

describe('CORS', () => {
  const access = closedAccess({ corsOrigins: ['https://app.example'] });
  const authorized = `Authorization: Bearer ${fullToken}\r\n`;

  test('a preflight needs no token, and names methods and headers', async () => {
    const reply = await ask(preflight('https://app.example'), { access, method: 'OPTIONS' });
    expect(reply.status).toBe(204);
    expect(reply.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
      vary: 'Origin',
    });
    const allowed = reply.headers['access-control-allow-headers']?.toLowerCase() ?? '';
    for (const name of ['authorization', 'content-type', 'if-match', 'if-none-match']) {
      expect(allowed).toContain(name);
    }
    for (const name of [
      'idempotency-key',
      'holdfast-namespace',
      'upstash-telemetry-sdk',
      'upstash-new',
    ]) {
      expect(allowed).toContain(name);
    }
    expect(reply.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  test('a preflight of another origin needs a token, and is then no preflight', async () => {
    const other = preflight('https://page.example');
    expect((await ask(other, { access, method: 'OPTIONS' })).status).toBe(401);
    const reply = await ask(`${other}${authorized}`, { access, method: 'OPTIONS' });
    expect(reply.status).toBe(405);
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test.each([
    ['a small value', 'GET', '/v1/keys/a', 200],
    ['an error', 'GET', '/v1/keys/missing', 404],
    ['a page of keys', 'GET', '/v1/keys', 200],
    ['a command', 'GET', '/upstash/get/a', 200],
  ])('%s may be read by an allowed page, with its headers', async (_, method, target, status) => {
    const { port, url } = await openApp({ access });
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'v', headers: bearer(fullToken) });
    const head = `Host: localhost\r\nConnection: close\r\nOrigin: https://app.example\r\n${authorized}`;
    const reply = await sendRaw(port, `${method} ${target} HTTP/1.1\r\n${head}\r\n`);
    expect(reply.status).toBe(status);
    expect(reply.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(reply.headers['access-control-expose-headers']).toContain('Holdfast-Durability');
    expect(allOf(reply.headers['vary'], target)).toContain('Origin');
  });

  test('a refused request may be read, too', async () => {
    const reply = await ask(`${host}Origin: https://app.example\r\n`, { access });
    expect(reply.status).toBe(401);
    expect(reply.headers['access-control-allow-origin']).toBe('https://app.example');
  });

  test('a reply says that it varies by Origin, also to clients that are no page', async () => {
    const reply = await ask(`${host}${authorized}`, { access, target: '/v1/keys', method: 'GET' });
    expect(reply.headers).toMatchObject({ vary: 'Origin' });
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('* allows every origin, and echoes none', async () => {
    const all = closedAccess({ corsOrigins: ['*'] });
    const reply = await ask(`${host}Origin: null\r\n${authorized}`, { access: all });
    expect(reply.status).toBe(201);
    expect(reply.headers['access-control-allow-origin']).toBe('*');
  });

  test('without corsOrigins no reply has a header of CORS', async () => {
    const reply = await ask(`${host}${authorized}`, { access: closedAccess() });
    expect(Object.keys(reply.headers).join()).not.toContain('access-control');
    expect(parseReply('').headers).toBeDefined();
  });
});

/** A reply with an entry has two lines Vary; the last one is in the parsed headers. */
function allOf(vary: string | undefined, target: string): string {
  return vary ?? `no Vary for ${target}`;
}
