// Decides when each request of a connection begins, over a store that answers when the test tells
// it to.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import { openApp } from '../../support/http/open-app.ts';
import {
  parseReplies,
  readToCut,
  readToEnd,
  sendRawForAll,
} from '../../support/http/raw-request.ts';
import { connectToPort, connectionEvent, resetConnection } from '../../support/http/transport.ts';
import { LateStore } from '../../support/stores/late-store.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

const host = 'Host: localhost\r\n';

function put(key: string, headers = '', body = 'v'): string {
  return `PUT /v1/keys/${key} HTTP/1.1\r\n${host}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function get(key: string, headers = ''): string {
  return `GET /v1/keys/${key} HTTP/1.1\r\n${host}${headers}\r\n`;
}

const lastGet = get('a', 'Connection: close\r\n');

/** A connection on which either side may end its direction first. */
async function open(port: number): Promise<Socket> {
  const socket = connectToPort(port, { allowHalfOpen: true });
  socket.once('end', () => socket.end());
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/**
 * Starts a server over a late store, sends these bytes, and waits until the first request has begun.
 */
async function openLate(bytes: string) {
  const store = new LateStore();
  const { app, port, url } = await openApp({ store });
  const socket = await open(port);
  const text = readToEnd(socket);
  socket.write(bytes);
  await expect.poll(() => store.asked).toBe(1);
  const heldCount = () => app.connections.requestCount - 1;
  const replies = async () => parseReplies(await text);
  return { app, store, port, url, socket, heldCount, replies };
}

/**
 * Answers every operation until the connection closes.
 *
 * @returns status and key of each reply
 */
async function answerAll({ store, replies }: Awaited<ReturnType<typeof openLate>>) {
  const timer = setInterval(() => store.answer(), 1);
  onTestFinished(() => clearInterval(timer));
  return (await replies()).map(({ status }) => status);
}

function keysOf(store: ModelStore): string[] {
  return [...store.entries.keys()].map((name) => name.split('\n')[1] ?? '');
}

test('a request begins when the one before it has been answered', async () => {
  const late = await openLate(put('a') + put('b') + lastGet);
  await expect.poll(late.heldCount).toBe(2);
  expect(late.store.asked).toBe(1);
  late.store.answer();
  await expect.poll(() => keysOf(late.store)).toEqual(['a']);
  await expect.poll(() => [late.store.asked, late.heldCount()]).toEqual([1, 1]);
  expect(await answerAll(late)).toEqual([201, 201, 200]);
});

test('requests of other connections do not wait', async () => {
  const { store, port, heldCount } = await openLate(put('a') + put('b'));
  await expect.poll(heldCount).toBe(1);
  const other = await open(port);
  other.write(put('c'));
  await expect.poll(() => store.asked).toBe(2);
});

test('a request begins behind a body that comes late', async () => {
  const { store, socket } = await openLate(put('a') + put('b', '', 'slow').slice(0, -2));
  store.answer();
  await once(socket, 'data');
  socket.write('ow' + put('a', '', 'new'));
  await expect.poll(() => store.asked).toBe(1);
  expect(keysOf(store)).toEqual(['a']);
  store.answer();
  await expect.poll(() => keysOf(store)).toEqual(['a', 'b']);
});

test('a request that is refused is answered in its turn', async () => {
  const late = await openLate(put('a') + put('%zz') + lastGet);
  expect(await answerAll(late)).toEqual([201, 400, 200]);
});

test('room that was reserved for a body is free for the next one', async () => {
  const limits = { bodyBytesInFlightMax: 1000, valueBytesMax: 900, batchBytesMax: 900 };
  const { port } = await openApp({ limits });
  const large = put('a', '', 'x'.repeat(900));
  const replies = await sendRawForAll(port, large.repeat(5) + lastGet);
  expect(replies.map(({ status }) => status)).toEqual([201, 204, 204, 204, 204, 200]);
});

test('100 Continue is not sent before the replies to earlier requests', async () => {
  const late = await openLate(put('a') + put('b', 'Expect: 100-continue\r\n') + lastGet);
  await expect.poll(late.heldCount).toBe(2);
  expect(await answerAll(late)).toEqual([201, 100, 201, 200]);
});

test('pipelines that are cut in two at any byte are answered alike', async () => {
  const { port } = await openApp();
  const chunked = `PUT /v1/keys/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2\r\nvw\r\n0\r\n\r\n`;
  const bytes = put('a') + get('a') + chunked + lastGet;
  for (let at = 1; at < bytes.length; at += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each changes the data of the next one
    const socket = await open(port);
    const text = readToEnd(socket);
    socket
      .setNoDelay()
      .write(bytes.slice(0, at), () => setImmediate(() => socket.write(bytes.slice(at))));
    // oxlint-disable-next-line no-await-in-loop -- as above
    const bodies = parseReplies(await text).map(({ body }) => body);
    expect([at, ...bodies]).toEqual([at, '', 'v', '', 'vw']);
  }
});

describe('behind the last reply of a connection', () => {
  test.each([
    ['a wish to upgrade', put('a', 'Connection: Upgrade\r\nUpgrade: h2c\r\n') + put('b')],
    ['Connection: close', put('a', 'Connection: close\r\n') + put('b')],
    ['HTTP/1.0', put('a').replace('HTTP/1.1', 'HTTP/1.0') + put('b')],
  ])('nothing is carried out: %s', async (_, bytes) => {
    const late = await openLate(bytes);
    expect(await answerAll(late)).toEqual([201]);
    expect(keysOf(late.store)).toEqual(['a']);
  });

  // Node closes after a reply that has no body and no length, although the client asks to keep the
  // connection. That reply leaves between two requests of one read: the second is not held behind it.
  test.each([
    ['requests', [put('b'), put('c'), put('d')]],
    ['requests in pieces', [put('b').slice(0, 11), put('b').slice(11) + put('c') + put('d')]],
    ['malformed bytes', [put('b'), 'garbage\r\n\r\n', put('d')]],
  ])('nothing is carried out: HTTP/1.0 and keep-alive, %s', async (_, pieces) => {
    const { app, model, port } = await openApp();
    await model.submit({ op: 'put', namespace: 'default', key: 'a', value: Buffer.from('old') });
    const socket = await open(port);
    const text = readToCut(socket);
    const http10 = `PUT /v1/keys/a HTTP/1.0\r\n${host}Connection: keep-alive\r\nContent-Length: 3\r\n\r\nnew`;
    socket.setNoDelay();
    for (const [index, piece] of pieces.entries()) {
      socket.write(index === 0 ? http10 + piece : piece);
      // oxlint-disable-next-line no-await-in-loop -- so that each piece is read by itself
      if (pieces.length === 2) await nextTurn();
    }
    expect(parseReplies(await text)).toMatchObject([
      { status: 204, headers: { connection: 'close' } },
    ]);
    await expect.poll(() => app.connections.socketCount).toBe(0);
    expect([...model.entries].map(([, { value }]) => Buffer.from(value).toString())).toEqual([
      'new',
    ]);
  });

  test('a request that is already held is not carried out', async () => {
    const upgrade = put('b', 'Connection: Upgrade\r\nUpgrade: h2c\r\n');
    const late = await openLate(put('a') + upgrade + put('c'));
    expect(await answerAll(late)).toEqual([201, 201]);
    expect(keysOf(late.store)).toEqual(['a', 'b']);
  });
});

/** Twelve values of a megabyte, in pieces that no socket takes at once. */
async function openWithBackup() {
  const store = new ModelStore();
  const { app, port } = await openApp({ store });
  const value = Buffer.alloc(1024 * 1024, 'x');
  for (let index = 0; index < 12; index++) {
    // oxlint-disable-next-line no-await-in-loop -- the model does one at a time
    await store.submit({ op: 'put', namespace: 'default', key: `key-${index}`, value });
  }
  const accepted = once(app.server, connectionEvent) as Promise<[Socket]>;
  const socket = await open(port);
  const [connection] = await accepted;
  return { app, socket, connection };
}

describe('bytes that are no request are answered in their turn, and nothing behind them', () => {
  const chunked = `PUT /v1/keys/c HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`;
  const connectTo = `CONNECT x:80 HTTP/1.1\r\n${host}\r\n`;
  test.each([
    ['garbage', 'garbage\r\n\r\n', 400],
    ['a malformed body', chunked, 400],
    ['headers that are too large', get('a', `A: ${'a'.repeat(40_000)}\r\n`), 431],
    ['CONNECT', connectTo, 405],
  ])('%s', async (_, bytes, status) => {
    const late = await openLate(put('a') + put('b') + bytes + put('d'));
    expect(await answerAll(late)).toEqual([201, 201, status]);
    expect(keysOf(late.store)).toEqual(['a', 'b']);
    await expect.poll(() => late.app.connections.socketCount).toBe(0);
  });

  test("garbage, and the end of the client's bytes", async () => {
    const late = await openLate(put('a') + put('b') + 'garbage\r\n\r\n');
    late.socket.end();
    expect(await answerAll(late)).toEqual([201, 201, 400]);
  });

  const backupAndConnect = `GET /v1/backup HTTP/1.1\r\n${host}\r\n${get('key-1')}${connectTo}`;

  test('CONNECT behind a backup, which is sent whole', async () => {
    const { socket } = await openWithBackup();
    const text = readToEnd(socket);
    socket.write(backupAndConnect);
    const replies = parseReplies(await text);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 405]);
    expect(replies[0]?.body.length).toBeGreaterThan(12 * 1024 * 1024);
  });

  test('CONNECT behind a backup that is not taken, which is cut in time', async () => {
    const { app, socket, connection } = await openWithBackup();
    socket.pause().write(backupAndConnect);
    await expect.poll(() => app.connections.isFinal(connection)).toBe(true);
    // Node emits this after five minutes in which the client took nothing.
    connection.emit('timeout');
    await expect.poll(() => app.connections.socketCount).toBe(0);
  });
});

describe('a client that', () => {
  test('has ended its side gets its replies', async () => {
    const late = await openLate(put('a') + put('b'));
    late.socket.end();
    expect(await answerAll(late)).toEqual([201, 201]);
    await expect.poll(() => late.app.connections.socketCount).toBe(0);
  });

  test('has gone has no request carried out that had not begun', async () => {
    const late = await openLate(put('a') + put('b') + put('c'));
    await expect.poll(late.heldCount).toBe(2);
    resetConnection(late.socket);
    // The server does not read a connection with held requests, so only a reply shows that it is gone.
    const timer = setInterval(() => late.store.answer(), 1);
    onTestFinished(() => clearInterval(timer));
    await expect.poll(() => late.app.connections.socketCount).toBe(0);
    expect(keysOf(late.store)).not.toContain('c');
    expect(await (await fetch(`${late.url}/metrics`)).text()).toContain(
      '\nholdfast_http_requests_held 0\n',
    );
  });
});

/** Puts wait for the test. Each get records the number of open requests. */
class CountingStore extends LateStore {
  openCount: () => number = () => 0;
  mostOpen = 0;

  override submit(operation: Operation): Result | Promise<Result> {
    if (operation.op === 'put') return super.submit(operation);
    this.mostOpen = Math.max(this.mostOpen, this.openCount());
    return { kind: 'missing' };
  }
}

test('of 50,000 requests only those of one read are held', { timeout: 120_000 }, async () => {
  const store = new CountingStore();
  // The clock stands still: on a busy machine with long turns the server would refuse requests.
  const clock = { wallMs: () => store.nowMs, monotonicMs: () => 0 };
  const { app, port } = await openApp({ store, clock });
  store.openCount = () => app.connections.requestCount;
  const accepted = once(app.server, connectionEvent) as Promise<[Socket]>;
  const socket = await open(port);
  const [connection] = await accepted;
  const text = readToEnd(socket);
  const many = 50_000;
  // Far more bytes than systems buffer: the client can send most of them only as the server reads.
  const bytes = put('a') + get('a', `A: ${'a'.repeat(150)}\r\n`).repeat(many) + lastGet;
  const sent = new Promise<number>((resolve) => {
    socket.write(bytes, () => resolve(store.asked));
  });
  await expect.poll(() => connection.isPaused()).toBe(true);
  expect(connection.bytesRead).toBeLessThan(256 * 1024);
  store.answer();
  expect(await sent).toBe(0);
  const statuses = parseReplies(await text).map(({ status }) => status);
  expect(statuses).toHaveLength(many + 2);
  expect(statuses.filter((status) => status === 404)).toHaveLength(many + 1);
  expect(store.mostOpen).toBeGreaterThan(10);
  // One read takes 64 KiB, and each of these requests has about 200 bytes.
  expect(store.mostOpen).toBeLessThan(1000);
});
