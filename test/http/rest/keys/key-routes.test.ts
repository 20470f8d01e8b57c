import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../../src/base/errors.ts';
import type { Result } from '../../../../src/store/result.ts';
import { ModelStore } from '../../../support/stores/model-store.ts';
import { openApp, testLimits } from '../../../support/http/open-app.ts';
import { rawRequest, sendRaw } from '../../../support/http/raw-request.ts';

type App = Awaited<ReturnType<typeof openApp>>;

async function put(
  app: App,
  key: string,
  body: string | Uint8Array<ArrayBuffer>,
  query = '',
): Promise<Response> {
  return fetch(`${app.url}/v1/keys/${key}${query}`, { method: 'PUT', body });
}

describe('values', () => {
  test.each([
    ['', 'no bytes'],
    ['hello', 'text'],
    ['\0\xff\xfe\x80', 'bytes that are no text'],
    ['{"a":', 'half a JSON'],
    ['\xef\xbb\xbfbom', 'a byte order mark'],
  ])('%j comes back as it went in: %s', async (bytes) => {
    const app = await openApp();
    const value = Buffer.from(bytes, 'latin1');
    expect((await put(app, 'a', value)).status).toBe(201);
    const reply = await fetch(`${app.url}/v1/keys/a`);
    expect(Buffer.from(await reply.arrayBuffer())).toEqual(value);
    expect(reply.headers.get('content-length')).toBe(String(value.length));
  });

  test.each([
    [],
    ['Content-Type: application/json'],
    ['Content-Type: not a media type;;='],
    ['Content-Type:'],
    ['Content-Type: text/plain; charset=utf-16'],
    ['Content-Type: application/x-www-form-urlencoded'],
    ['Content-Encoding: identity'],
    ['Expect: 100-continue'],
    ['Expect: miracles'],
  ])('a body is stored as it came with %j', async (...headers) => {
    const { port, model } = await openApp();
    const body = '{"__proto__":1';
    const reply = await rawRequest(port, 'PUT', '/v1/keys/a', { body, headers });
    expect([100, 201]).toContain(reply.status);
    expect(Buffer.from(model.entries.get('default\na')!.value).toString()).toBe(body);
  });

  test('a chunked body is put together', async () => {
    const { port, model } = await openApp();
    const headers = ['Transfer-Encoding: chunked', '', '3', 'abc', '2', 'de', '0', '', ''];
    expect((await rawRequest(port, 'PUT', '/v1/keys/a', { headers })).status).toBe(201);
    expect(Buffer.from(model.entries.get('default\na')!.value).toString()).toBe('abcde');
  });

  test('an encoded body is refused, and the error says which bodies are taken', async () => {
    const { port } = await openApp();
    const headers = ['Content-Encoding: gzip'];
    const reply = await rawRequest(port, 'PUT', '/v1/keys/a', { body: 'x', headers });
    expect(reply.status).toBe(415);
    expect(reply.headers['accept-encoding']).toBe('identity');
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'ENCODING_UNSUPPORTED' });
  });

  test('a value may be as large as the limit and no larger, announced or not', async () => {
    const app = await openApp();
    const limit = testLimits.valueBytesMax;
    expect((await put(app, 'a', 'x'.repeat(limit))).status).toBe(201);
    const announced = await put(app, 'a', 'x'.repeat(limit + 1));
    expect(announced.status).toBe(413);
    expect(await announced.json()).toMatchObject({ code: 'VALUE_TOO_LARGE', limit });
    const size = (limit + 1).toString(16);
    const chunks = ['Transfer-Encoding: chunked', '', size, 'x'.repeat(limit + 1), '0', '', ''];
    const chunked = await rawRequest(app.port, 'PUT', '/v1/keys/a', { headers: chunks });
    expect(chunked.status).toBe(413);
    expect((await fetch(`${app.url}/v1/keys/a`)).headers.get('etag')).toBe('"1"');
  });

  test('the server does not ask for a body that it refuses unread', async () => {
    const { port } = await openApp();
    const head = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    const reply = await sendRaw(
      port,
      `${head}Expect: 100-continue\r\nContent-Length: 9999\r\n\r\n`,
    );
    expect(reply.status).toBe(413);
  });
});

describe('one key', () => {
  test('put creates, then replaces, then delete removes', async () => {
    const app = await openApp();
    const created = await put(app, 'a', '1');
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.headers.get('holdfast-durability')).toBe('synced');
    const replaced = await put(app, 'a', '2');
    expect(replaced.status).toBe(204);
    expect(replaced.headers.get('etag')).toBe('"2"');
    const removed = await fetch(`${app.url}/v1/keys/a`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    expect(removed.headers.get('holdfast-durability')).toBe('synced');
    const again = await fetch(`${app.url}/v1/keys/a`, { method: 'DELETE' });
    expect(again.status).toBe(404);
    expect(again.headers.get('holdfast-durability')).toBeNull();
  });

  test('get and head answer alike, but for the value', async () => {
    const app = await openApp();
    await put(app, 'a', 'hello', '?ttl=1m');
    const headers = ['Holdfast-Request-Id: same'];
    const get = await rawRequest(app.port, 'GET', '/v1/keys/a', { headers });
    const head = await rawRequest(app.port, 'HEAD', '/v1/keys/a', { headers });
    expect(head.headers).toEqual({ ...get.headers, date: head.headers['date'] });
    expect(head.body).toBe('');
    expect(get.headers).toMatchObject({
      etag: '"1"',
      vary: 'Accept',
      'content-length': '5',
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'holdfast-expires-at': String(app.model.nowMs + 60_000),
    });
  });

  test('a body that comes with a read is ignored', async () => {
    const app = await openApp();
    await put(app, 'a', 'hello');
    const reply = await rawRequest(app.port, 'GET', '/v1/keys/a', { body: 'ignored' });
    expect(reply).toMatchObject({ status: 200, body: 'hello' });
  });

  test('an entry is gone the moment its time is up, and a later put lifts the expiry', async () => {
    const app = await openApp();
    await put(app, 'a', '1', '?ttl=100ms');
    app.model.nowMs += 99;
    expect((await fetch(`${app.url}/v1/keys/a`)).status).toBe(200);
    app.model.nowMs += 1;
    expect((await fetch(`${app.url}/v1/keys/a`)).status).toBe(404);
    await put(app, 'b', '1', '?ttl=100ms');
    await put(app, 'b', '2');
    expect((await fetch(`${app.url}/v1/keys/b`)).headers.get('holdfast-expires-at')).toBeNull();
  });

  test.each([
    ['PUT', '?ttl='],
    ['PUT', '?ttl'],
    ['PUT', '?ttl=0'],
    ['PUT', '?ttl=1s&ttl=2s'],
    ['PUT', '?ttl=1s&x=1'],
    ['PUT', '?TTL=1s'],
    ['PUT', '?t%74l=1s&ttl=1s'],
    ['GET', '?ttl=1s'],
    ['HEAD', '?x'],
    ['DELETE', '?x=1'],
  ])('%s with the query %s is refused', async (method, query) => {
    const app = await openApp();
    await put(app, 'a', '1');
    const reply = await rawRequest(app.port, method, `/v1/keys/a${query}`, { body: '' });
    expect(reply.status).toBe(400);
    expect(app.model.entries.get('default\na')?.version).toBe(1);
  });

  test('an error names the refused parameter and the allowed ones', async () => {
    const app = await openApp();
    const reply = await put(app, 'a', '1', '?tll=1s');
    const problem: unknown = await reply.json();
    expect(problem).toMatchObject({ code: 'BAD_REQUEST', parameter: 'tll' });
    expect(problem).toHaveProperty('detail', expect.stringContaining('allowed: ttl'));
  });

  test('a write in part is refused', async () => {
    const { port } = await openApp();
    const headers = ['Content-Range: bytes 0-0/5'];
    const reply = await rawRequest(port, 'PUT', '/v1/keys/a', { body: 'x', headers });
    expect(reply.status).toBe(400);
  });
});

function refusal(...error: ConstructorParameters<typeof StoreError>): Result {
  return { kind: 'refused', error: new StoreError(...error) };
}

describe('a refusal of the store', () => {
  class RefusingStore extends ModelStore {
    readonly #answer: () => Result | Promise<Result>;

    constructor(answer: () => Result | Promise<Result>) {
      super();
      this.#answer = answer;
    }

    override submit(): Result | Promise<Result> {
      return this.#answer();
    }
  }

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('is told as it is: %s', async (method) => {
    const facts = { outcome: 'unknown', retryable: true, retryAfterMs: 2500 } as const;
    const store = new RefusingStore(() => refusal('SHARD_UNAVAILABLE', 'It died.', facts));
    const { url } = await openApp({ store });
    const reply = await fetch(`${url}/v1/keys/a`, { method });
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('3');
    if (method === 'HEAD') return;
    const problem: unknown = await reply.json();
    expect(problem).toMatchObject({ code: 'SHARD_UNAVAILABLE', detail: 'It died.', ...facts });
  });

  test('a full disk is a 507', async () => {
    const store = new RefusingStore(() => refusal('DISK_FULL', 'No room.'));
    const { url } = await openApp({ store });
    expect((await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' })).status).toBe(507);
  });

  test.each([
    [
      'thrown at once',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejected later', () => Promise.reject(new Error('secret'))],
  ])('a bug %s shows the client nothing of its cause', async (_, answer) => {
    const { url } = await openApp({ store: new RefusingStore(answer) });
    const write = await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    expect(write.status).toBe(500);
    const text = await write.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
    expect(text).not.toMatch(/secret|FST_|stack/);
    const read = await fetch(`${url}/v1/keys/a`);
    expect(await read.json()).toMatchObject({ code: 'INTERNAL', outcome: 'not-applied' });
  });

  test('bodies beyond what may be in flight wait until others are answered', async () => {
    const answers: ((result: Result) => void)[] = [];
    const store = new RefusingStore(() => new Promise((resolve) => answers.push(resolve)));
    const limits = { valueBytesMax: 1024, batchBytesMax: 1024, bodyBytesInFlightMax: 1024 };
    const { app, url } = await openApp({ store, limits });
    const body = 'x'.repeat(1000);
    const waiting = async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return /^holdfast_http_bodies_waiting (.*)$/m.exec(text)?.[1];
    };
    const first = fetch(`${url}/v1/keys/a`, { method: 'PUT', body });
    await expect.poll(() => answers.length).toBe(1);
    const second = fetch(`${url}/v1/keys/b`, { method: 'PUT', body });
    await expect.poll(waiting).toBe('1');
    expect(answers).toHaveLength(1);
    answers[0]?.({ kind: 'written', created: true, version: 1, durability: 'written' });
    expect((await first).headers.get('holdfast-durability')).toBe('written');
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.({ kind: 'written', created: true, version: 2, durability: 'written' });
    expect((await second).status).toBe(201);
    await expect.poll(() => app.connections.requestCount).toBe(0);
  });
});
