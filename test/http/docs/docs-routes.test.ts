// /docs behind a reverse proxy that adds a prefix to every path and strips it again.
import { once } from 'node:events';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { rawRequest } from '../../support/http/raw-request.ts';

const prefix = '/kv';

/**
 * A proxy that forwards only paths with the prefix.
 *
 * @returns its address
 */
async function startProxy(port: number): Promise<string> {
  const proxy = createServer((request, response) => {
    const { method, url = '', headers } = request;
    if (!url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end('not of this proxy');
      return;
    }
    const path = url.slice(prefix.length);
    const onward = sendRequest({ host: '127.0.0.1', port, method, path, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(response);
    });
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, 'close');
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

/**
 * Runs the page's own script, which knows nothing but its address.
 *
 * @returns the address that the script requests
 */
function documentAddressOf(script: string, pageUrl: string): string {
  let asked = '';
  const bundle = Object.assign(
    ({ url }: { url: string }) => {
      asked = url;
      return { initOAuth: () => undefined };
    },
    { presets: {}, plugins: {} },
  );
  const link = {
    get href(): string {
      return asked;
    },
    set href(text: string) {
      asked = new URL(text, pageUrl).href;
    },
  };
  const window = { location: { href: pageUrl }, onload: (): void => undefined };
  const page = { createElement: () => link, querySelector: () => undefined, body: {} };
  class MutationObserver {
    readonly observe = (): void => undefined;
  }
  const globals = { window, document: page, SwaggerUIBundle: bundle, MutationObserver };
  runInNewContext(script, { ...globals, SwaggerUIStandalonePreset: {} });
  window.onload();
  return asked;
}

test.each([
  '/docs',
  '/docs/',
  '/docs?a=1',
  '/docs?a=/',
  '/docs/?a=1',
  '/docs/static/index.html',
  '/docs/static/index.html?a=1',
])('%s shows the page, with all its files and the document', async (path) => {
  const { port } = await openApp();
  for (const base of [`http://127.0.0.1:${port}`, `${await startProxy(port)}${prefix}`]) {
    const page = await fetch(base + path);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) {
      const file = await fetch(new URL(link, page.url));
      expect([link, file.status, (await file.arrayBuffer()).byteLength > 0]).toEqual([
        link,
        200,
        true,
      ]);
    }
    const initializer = links.find((link) => link.endsWith('initializer.js')) ?? '';
    const script = await (await fetch(new URL(initializer, page.url))).text();
    const address = documentAddressOf(script, page.url);
    expect(address).toBe(`${base}/docs/json`);
    const document = (await (await fetch(address)).json()) as { servers: { url: string }[] };
    const server = new URL(document.servers[0]?.url ?? '/', address);
    expect(server.href).toBe(`${base}/`);
    expect((await fetch(`${server.href}v1/keys`)).status).toBe(200);
  }
});

test.each([
  ['/docs?', 'docs'],
  ['/docs?a', 'docs'],
  ['/docs/?', './'],
  ['/docs/?a=/', './'],
  ['/docs/static/index.html', '../'],
  ['/docs/static/index.html?a', '../'],
])('%s leads to %s, which is relative', async (path, location) => {
  const { port } = await openApp();
  const { status, headers } = await rawRequest(port, 'GET', path);
  expect([status, headers['location']]).toEqual([302, location]);
});

test('a path below the page that is nothing is answered 404 as any other', async () => {
  const { url } = await openApp();
  for (const path of ['/docs/nothing', '/docs/static/nothing.js', '/docs/json/more']) {
    const reply = await fetch(url + path);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json',
    ]);
    expect(await reply.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
  }
});
