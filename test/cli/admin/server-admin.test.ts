// The client of administration against servers that misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ServerAdmin } from '../../../src/cli/admin/server-admin.ts';
import { exitCodeOf } from '../../../src/cli/command-error.ts';
import { serverRequest } from '../../../src/cli/server-request.ts';
import { freePort } from '../../support/processes/process-facts.ts';

type Answering = (request: IncomingMessage, reply: ServerResponse) => void;

async function serve(answer: Answering): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const token = 's3cret-of-the-operator';
const adminOf = (url: string): ServerAdmin =>
  new ServerAdmin(serverRequest({ url, header: ['X-Proxy: s3cret'], token }, {}));

const json =
  (status: number, document: object): Answering =>
  (_, reply) =>
    void reply
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(document));

async function errorOf(work: Promise<unknown>): Promise<{ code: number; message: string }> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  const message = error instanceof Error ? error.message : String(error);
  expect(message).not.toContain('s3cret');
  return { code: exitCodeOf(error), message };
}

test('each request carries the token and the headers, below the path of the address', async () => {
  const seen: (readonly unknown[])[] = [];
  const url = await serve((request, reply) => {
    const { method, url: target, headers } = request;
    seen.push([method, target, headers.authorization, headers['x-proxy']]);
    reply.writeHead(204).end();
  });
  const admin = adminOf(`${url}/behind/proxy`);
  await admin.putUser('a+b@c', { disabled: true });
  await admin.deleteToken('ann', 'abc');
  await admin.dropNamespace('app.v2');
  const base = '/behind/proxy/v1/admin';
  const given = [`Bearer ${token}`, 's3cret'];
  expect(seen).toEqual([
    ['PUT', `${base}/users/a%2Bb%40c`, ...given],
    ['DELETE', `${base}/users/ann/tokens/abc`, ...given],
    ['DELETE', `${base}/namespaces/app.v2`, ...given],
  ]);
});

test('a list follows the cursors to its end', async () => {
  const targets: string[] = [];
  const url = await serve((request, reply) => {
    targets.push(request.url ?? '');
    const page = targets.length === 1 ? { items: [{ name: 'a' }], cursor: 'x/y' } : { items: [] };
    json(200, page)(request, reply);
  });
  expect(await adminOf(url).users()).toEqual([{ name: 'a' }]);
  expect(targets).toEqual([
    '/v1/admin/users?limit=1000',
    '/v1/admin/users?limit=1000&cursor=x%2Fy',
  ]);
});

test.each([301, 302, 303, 307, 308])(
  'a redirect by %i is refused, and nothing is sent to its target',
  async (status) => {
    let isAsked = false;
    const other = await serve((_, reply) => {
      isAsked = true;
      reply.end('{}');
    });
    const url = await serve((_, reply) => reply.writeHead(status, { location: other }).end());
    for (const work of [adminOf(url).users(), adminOf(url).putUser('ann', {})]) {
      expect(await errorOf(work)).toEqual({
        code: 1,
        message: `${url} redirects to another address; allowed: its own one as --url. No header or token was sent there`,
      });
    }
    expect(isAsked).toBe(false);
  },
);

test('a refusal has the code and the detail of the server', async () => {
  const problem = { code: 'USER_NOT_FOUND', detail: 'There is no user "ann".' };
  const url = await serve(json(404, problem));
  expect(await errorOf(adminOf(url).user('ann'))).toEqual({
    code: 1,
    message: `${url} refused (USER_NOT_FOUND): There is no user "ann".`,
  });
});

test('a path that the server does not have is shown as part of --url', async () => {
  const url = await serve(
    json(404, { code: 'ROUTE_NOT_FOUND', detail: 'There is no such route.' }),
  );
  const advice = /route; --url is http:\S+\/v1; allowed: the address of the server without a path/;
  expect((await errorOf(adminOf(`${url}/v1`).user('ann'))).message).toMatch(advice);
  expect((await errorOf(adminOf(url).user('ann'))).message).not.toContain('--url');
});

test('an answer of another program is not taken for one of the server', async () => {
  const message = /, but not as a Holdfast server that has users and namespaces$/;
  for (const [status, body] of [
    [404, '<html>'],
    [401, '{}'],
    [500, '{"code":1}'],
    [200, 'OK'],
    [200, '[]'],
  ] as const) {
    const url = await serve((_, reply) => reply.writeHead(status).end(body));
    const { code, message: shown } = await errorOf(adminOf(url).user('ann'));
    expect([code, shown]).toEqual([1, expect.stringMatching(message)]);
  }
  const whoami = await serve((_, reply) => reply.writeHead(401).end('{}'));
  expect((await errorOf(adminOf(whoami).status())).message).toMatch(message);
});

test('an answer of a proxy does not tell if a change was made', async () => {
  const url = await serve((_, reply) => reply.writeHead(502).end('<html>'));
  expect((await errorOf(adminOf(url).createToken('ann', {}))).message).toMatch(
    /answered 502, but not as .*\. It is not known if the change was made: `holdfast token list ann`/,
  );
});

test('without an answer a change says if it may have been made', async () => {
  const cut = await serve((request) => request.socket.destroy());
  expect((await errorOf(adminOf(cut).putUser('ann', {}))).message).toMatch(
    /cannot be reached \(.+\)\. It is not known if the change was made: `holdfast user show ann` with the same options tells$/,
  );
  expect((await errorOf(adminOf(cut).deleteToken('ann', 'abc'))).message).toMatch(
    /: `holdfast token list ann` with the same options tells$/,
  );
  expect((await errorOf(adminOf(cut).putNamespace('app', {}))).message).toMatch(
    /: `holdfast namespace show app` with the same options tells$/,
  );
  expect((await errorOf(adminOf(cut).users())).message).toMatch(/cannot be reached \([^)]+\)$/);
  const down = `http://127.0.0.1:${await freePort()}`;
  expect(await errorOf(adminOf(down).dropNamespace('app'))).toEqual({
    code: 1,
    message: `${down} cannot be reached (ECONNREFUSED). Nothing has been changed`,
  });
});

test('a server that does not answer is waited for no longer than the bound', async () => {
  const silent = await serve(() => undefined);
  const request = serverRequest({ url: silent, header: [] }, {});
  expect(await errorOf(new ServerAdmin(request, 20).deleteUser('ann'))).toEqual({
    code: 1,
    message: `${silent} cannot be reached (no answer within 0.02 s). It is not known if the change was made: \`holdfast user show ann\` with the same options tells`,
  });
});

test('the status tells an open server from one that needs a token', async () => {
  const open = { user: null, grants: [{ namespace: '*', role: 'admin' }] };
  expect(await adminOf(await serve(json(200, open))).status()).toEqual({
    tokenRequired: false,
    caller: open,
  });
  const known = { user: 'ann', token: 'laptop', grants: [{ namespace: 'app', role: 'read' }] };
  expect(await adminOf(await serve(json(200, known))).status()).toEqual({
    tokenRequired: true,
    caller: known,
  });
  const problem = { code: 'UNAUTHENTICATED', detail: 'A valid token is needed.' };
  expect(await adminOf(await serve(json(401, problem))).status()).toEqual({ tokenRequired: true });
});
