// Over bare sockets. Clients that send slowly, or not at all, keep no others out. A client that has
// to give way gets a reply that says so.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import { openApp } from '../../support/http/open-app.ts';
import { parseReplies, parseReply } from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

const realLimits = {
  valueBytesMax: 8 * mebibyte,
  batchBytesMax: 64 * mebibyte,
  bodyBytesInFlightMax: 256 * mebibyte,
};

/** Room for two bodies; one part of it is the share kept for the oldest. */
const tightLimits = {
  valueBytesMax: 64 * kibibyte,
  batchBytesMax: 64 * kibibyte,
  bodyBytesInFlightMax: 128 * kibibyte,
};

/** A connection, and all bytes that have come back on it. */
interface Client {
  readonly socket: Socket;
  readonly text: () => string;
}

async function open(port: number, bytes: string | Buffer): Promise<Client> {
  const socket = connectToPort(port);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  let text = '';
  socket.setEncoding('latin1').on('data', (more: string) => (text += more));
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, text: () => text };
}

function head(method: string, target: string, ...headers: string[]): string {
  return [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
}

const chunked = 'Transfer-Encoding: chunked';

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^holdfast_http_${name} (.*)$`, 'm').exec(text)?.[1]);
}

const held = (url: string) => () => metric(url, 'body_bytes_in_flight');

/** A store that answers when the test tells it to. */
class LateStore extends ModelStore {
  readonly #asked: (() => void)[] = [];

  override submit(operation: Operation): Promise<Result> {
    return new Promise((resolve) => {
      this.#asked.push(() => resolve(super.submit(operation)));
    });
  }

  answer(): void {
    for (const answer of this.#asked.splice(0)) answer();
  }

  get asked(): number {
    return this.#asked.length;
  }
}

test('chunked bodies take room for the bytes that they send, not for the limit', async () => {
  const { port, url } = await openApp({ limits: realLimits });
  const command = JSON.stringify(['SET', 'key', 'x'.repeat(14)]);
  expect(command).toHaveLength(30);
  const sent = `${head('POST', '/upstash', chunked)}1e\r\n${command}\r\n`;
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(port, sent)));
  await expect.poll(held(url)).toBe(20 * 30);
  for (const { socket } of clients) socket.write('0\r\n\r\n');
  for (const { text } of clients) {
    // oxlint-disable-next-line no-await-in-loop -- the server answers them in parallel
    await expect.poll(text).toContain('{"result":"OK"}');
    expect(parseReply(text()).status).toBe(200);
  }
  expect(await held(url)()).toBe(0);
});

describe('four clients that send one byte and wait', () => {
  const operations = '{"operations":[{"op":"put","key":"a","value":"v"}]}';
  test.each([
    ['a pipeline of unknown length', `${head('POST', '/upstash/pipeline', chunked)}1\r\n[\r\n`],
    ['a batch of 64 MiB', `${head('POST', '/v1/batch', 'Content-Length: 67108864')}{`],
  ])('%s: requests of every dialect are answered', async (_, sent) => {
    const { port, url } = await openApp({ limits: realLimits });
    await Promise.all(Array.from({ length: 4 }, () => open(port, sent)));
    await expect.poll(held(url)).toBe(4);
    const ask = async (method: string, target: string, body: string) =>
      (await fetch(url + target, { method, body })).status;
    expect(await ask('PUT', '/v1/keys/a', 'v')).toBe(201);
    expect(await ask('POST', '/v1/batch', operations)).toBe(200);
    expect(await ask('POST', '/v1/transactions', operations)).toBe(200);
    expect(await ask('PUT', '/unstorage/app/a', 'v')).toBe(200);
    expect(await ask('POST', '/upstash', '["SET","a","v"]')).toBe(200);
    expect(await ask('POST', '/upstash/set/a', 'v')).toBe(200);
    expect(await ask('POST', '/upstash/pipeline', '[["SET","a","v"]]')).toBe(200);
    expect(await ask('POST', '/upstash/multi-exec', '[["SET","a","v"]]')).toBe(200);
    expect(await held(url)()).toBe(4);
    expect(await metric(url, 'bodies_ended_total')).toBe(0);
  });
});

test('uploads that do not fit side by side all succeed, one after the other', async () => {
  const limits = {
    valueBytesMax: mebibyte,
    batchBytesMax: mebibyte,
    bodyBytesInFlightMax: 3 * mebibyte,
  };
  const { port, url, model } = await openApp({ limits });
  const bodies = Array.from({ length: 40 }, (_, n) => Buffer.alloc(mebibyte, n));
  // Connections take their time to open, and a body that waits for them would seem slow.
  const clients = await Promise.all(bodies.map(() => open(port, head('GET', '/livez'))));
  const lastStatuses = () => clients.map(({ text }) => /.*HTTP.1.1 (\d+)/s.exec(text())?.[1]);
  await expect.poll(lastStatuses).toEqual(bodies.map(() => '200'));
  for (const [n, { socket }] of clients.entries()) {
    socket.write(head('PUT', `/v1/keys/${n}`, `Content-Length: ${mebibyte}`));
    socket.write(bodies[n]?.subarray(0, mebibyte / 2) ?? '');
  }
  await expect.poll(() => metric(url, 'bodies_waiting')).toBeGreaterThan(30);
  for (const [n, { socket }] of clients.entries()) {
    socket.write(bodies[n]?.subarray(mebibyte / 2) ?? '');
  }
  await expect.poll(lastStatuses, { timeout: 20_000 }).toEqual(bodies.map(() => '201'));
  for (const [n, body] of bodies.entries()) {
    expect(body.equals(model.entries.get(`default\n${n}`)?.value ?? Buffer.alloc(0))).toBe(true);
  }
  expect(await metric(url, 'bodies_ended_total')).toBe(0);
  expect(await held(url)()).toBe(0);
});

test('an idle body gives way, is told so in its dialect, and its connection goes on', async () => {
  const { port, url, model } = await openApp({ limits: tightLimits });
  const length = 64 * kibibyte;
  const put = head('PUT', '/v1/keys/idle', `Content-Length: ${length}`);
  const idle = await open(port, put + 'x'.repeat(60 * kibibyte));
  await expect.poll(held(url)).toBe(60 * kibibyte);
  const command = head('POST', '/upstash', `Content-Length: ${length}`);
  const idleCommand = await open(port, command + 'x'.repeat(20 * kibibyte));
  await expect.poll(held(url)).toBe(80 * kibibyte);
  const startedAt = performance.now();
  const [large, small] = await Promise.all([
    fetch(`${url}/v1/keys/large`, { method: 'PUT', body: 'x'.repeat(length) }),
    fetch(`${url}/v1/keys/small`, { method: 'PUT', body: 'x' }),
  ]);
  expect([large.status, small.status]).toEqual([201, 201]);
  expect(performance.now() - startedAt).toBeLessThan(5000);
  await expect.poll(held(url)).toBe(0);
  expect(JSON.parse(parseReply(idleCommand.text()).body)).toEqual({
    error: expect.stringMatching(/^ERR .*too slowly/),
  });
  expect(model.entries.has('default\nidle')).toBe(false);
  const reply = parseReply(idle.text());
  expect(reply.status).toBe(503);
  expect(reply.headers['retry-after']).toBe('1');
  expect(JSON.parse(reply.body)).toMatchObject({
    code: 'OVERLOADED',
    outcome: 'not-applied',
    retryable: true,
    limit: tightLimits.bodyBytesInFlightMax,
  });
  idle.socket.write('x'.repeat(4 * kibibyte) + head('GET', '/livez'));
  await expect
    .poll(() => parseReplies(idle.text()).map(({ status }) => status))
    .toEqual([503, 200]);
});

test('a waiting body is read no further, however small its chunks are', async () => {
  const store = new LateStore();
  const { port, url } = await openApp({ store, limits: tightLimits });
  const whole = head('PUT', '/v1/keys/a', 'Content-Length: 65536') + 'x'.repeat(65_536);
  await Promise.all([open(port, whole), open(port, whole)]);
  await expect.poll(() => store.asked).toBe(2);
  expect(await held(url)()).toBe(tightLimits.bodyBytesInFlightMax);
  // Far more bytes than sockets buffer.
  const waiting = await open(port, head('PUT', '/v1/keys/b', chunked));
  const extension = `1;${'e'.repeat(4000)}\r\nx\r\n`.repeat(5000);
  const chunks = Buffer.from(`${extension}0\r\n\r\n`);
  waiting.socket.write(chunks);
  await expect.poll(() => metric(url, 'bodies_waiting')).toBe(1);
  const left = () => waiting.socket.writableLength;
  await expect.poll(left).toBeGreaterThan(0);
  const stillLeft = await leftWhenStill(left);
  expect(stillLeft).toBeGreaterThan(chunks.length / 4);
  expect(await held(url)()).toBe(tightLimits.bodyBytesInFlightMax);
  store.answer();
  await expect.poll(left).toBe(0);
  await expect.poll(() => store.asked).toBe(1);
  store.answer();
  await expect.poll(waiting.text).toContain('HTTP/1.1 201');
});

/** Waits until two looks give the same figure, with a round trip to the server between them. */
async function leftWhenStill(left: () => number): Promise<number> {
  let before = -1;
  await expect
    .poll(
      () => {
        const isStill = before === left();
        before = left();
        return isStill;
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true);
  return before;
}

test('a client that waits for 100 Continue gets it, though its body will have to wait', async () => {
  const store = new LateStore();
  const { port, url } = await openApp({ store, limits: tightLimits });
  const whole = head('PUT', '/v1/keys/a', 'Content-Length: 65536') + 'x'.repeat(65_536);
  await Promise.all([open(port, whole), open(port, whole)]);
  await expect.poll(() => store.asked).toBe(2);
  const expecting = ['Content-Length: 1', 'Expect: 100-continue'];
  const client = await open(port, head('PUT', '/v1/keys/b', ...expecting));
  await expect.poll(client.text).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  client.socket.write('v');
  await expect.poll(() => metric(url, 'bodies_waiting')).toBe(1);
  store.answer();
  await expect.poll(() => store.asked).toBe(1);
  store.answer();
  await expect.poll(client.text).toContain('HTTP/1.1 201');
});

describe('when the time for a request is up', () => {
  const limits = { ...tightLimits, headersTimeoutMs: 300, requestTimeoutMs: 1500 };
  /** Node looks for late requests only once a second. */
  const timeout = 8000;

  test('a body that waits for room is answered 503, since its client is not to blame', async () => {
    const store = new LateStore();
    const { app, port, url } = await openApp({ store, limits });
    const whole = head('PUT', '/v1/keys/a', 'Content-Length: 65536') + 'x'.repeat(65_536);
    await Promise.all([open(port, whole), open(port, whole)]);
    await expect.poll(() => store.asked).toBe(2);
    const rest = head('POST', '/upstash', 'Content-Length: 1000');
    const waiting = await open(port, `${rest}half`);
    await expect.poll(() => metric(url, 'bodies_waiting')).toBe(1);
    const closed = once(waiting.socket, 'close');
    await expect.poll(waiting.text, { timeout }).toMatch(/^HTTP\/1\.1 503 .*no room.*$/s);
    await closed;
    const [reply, ...more] = parseReplies(waiting.text());
    expect(more).toEqual([]);
    expect(reply?.headers).toMatchObject({ connection: 'close', 'retry-after': '1' });
    expect(JSON.parse(reply?.body ?? '')).toEqual({ error: expect.stringMatching(/^ERR There/) });
    await expect.poll(() => app.connections.socketCount).toBeLessThan(4);
    expect(store.asked).toBe(2);
  });

  test('one that was refused before is cut without a second reply', async () => {
    const { port } = await openApp({ limits });
    const client = await open(port, `${head('PUT', '/v1/keys/a', chunked)}fffff\r\n`);
    const closed = once(client.socket, 'close');
    client.socket.write('x'.repeat(100_000));
    await expect.poll(client.text).toContain('VALUE_TOO_LARGE');
    await closed;
    expect(parseReplies(client.text()).map(({ status }) => status)).toEqual([413]);
  });
});
