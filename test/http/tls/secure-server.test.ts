// A server with TLS: its handshakes, clients that speak no TLS, and a new pair while it runs.
// vitest.config.ts has the list of files that test the same server as one without TLS.
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { drain } from '../../../src/http/server.ts';
import { usePair } from '../../../src/http/tls/secure-server.ts';
import { openApp } from '../../support/http/open-app.ts';
import { parseReply, readToCut, readToEnd } from '../../support/http/raw-request.ts';
import { pemPair } from '../../support/http/pem-pairs.ts';
import { LateStore } from '../../support/stores/late-store.ts';

const tls = pemPair('one');
const trusted = [tls.cert, pemPair('other').cert];

const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const last = 'Connection: close\r\n';

/** OpenSSL itself would not ask for these versions without that cipher list. */
const olderVersion = {
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.1',
  ciphers: 'DEFAULT@SECLEVEL=0',
} as const;

/** A connection whose handshake is left to the test. */
async function openBare(port: number): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function openSecure(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: trusted, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Speaks with the server over TLS, and reads its reply. */
async function ask(port: number, bytes: string, options?: ConnectionOptions) {
  const socket = await openSecure(port, options);
  const text = readToEnd(socket);
  socket.write(bytes);
  return parseReply(await text);
}

async function failedHandshakes(port: number): Promise<string | undefined> {
  const { body } = await ask(port, get('/metrics', last));
  return /^holdfast_http_tls_handshakes_failed_total (\d+)$/m.exec(body)?.[1];
}

test('the address says https, and clients that trust the certificate are answered', async () => {
  const { url, port } = await openApp({ tls });
  expect(url).toBe(`https://127.0.0.1:${port}`);
  const socket = await openSecure(port, { ALPNProtocols: ['h2', 'http/1.1'] });
  expect([socket.alpnProtocol, socket.getPeerCertificate().subject.CN]).toEqual([
    'http/1.1',
    'Holdfast test one',
  ]);
  expect((await ask(port, get('/livez', last))).status).toBe(200);
});

test.each([
  ['https', 404],
  ['http', 403],
])('a page of the same host by %s gets %i', async (scheme, status) => {
  const { port } = await openApp({ tls });
  const host = `localhost:${port}`;
  const lines = ['GET /v1/keys/a HTTP/1.1', `Host: ${host}`, `Origin: ${scheme}://${host}`, last];
  expect((await ask(port, `${lines.join('\r\n')}\r\n`)).status).toBe(status);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
  const { port } = await openApp({ tls });
  const socket = await openSecure(port, { minVersion: version, maxVersion: version });
  expect(socket.getProtocol()).toBe(version);
});

describe('a connection that comes to no handshake', () => {
  test.each([
    ['plain HTTP', Buffer.from(get('/livez'))],
    [
      'a request that writes',
      Buffer.from('PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv'),
    ],
    ['garbage', Buffer.from('\0\xff garbage', 'latin1')],
    ['half a hello, and then garbage', Buffer.from('\x16\x03\x01\0\x05\x01\0\0\x01\0', 'latin1')],
  ])('%s is cut, counted, and gets no HTTP', async (_, bytes) => {
    const { app, port, model } = await openApp({ tls });
    const socket = await openBare(port);
    const text = readToCut(socket);
    socket.write(bytes);
    // At most an alert of TLS.
    expect(await text).not.toContain('HTTP');
    await expect.poll(() => app.connections.socketCount).toBe(0);
    expect(await failedHandshakes(port)).toBe('1');
    expect(model.entries.size).toBe(0);
  });

  test.each<[string, ConnectionOptions]>([
    ['an older version of TLS', olderVersion],
    ['HTTP/2 alone', { ALPNProtocols: ['h2'] }],
  ])('%s is refused and counted', async (_, options) => {
    const { port } = await openApp({ tls });
    await expect(openSecure(port, options)).rejects.toThrow(/alert/);
    await expect.poll(() => failedHandshakes(port)).toBe('1');
  });

  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => socket.end()],
    ['is reset', (socket) => socket.resetAndDestroy()],
  ])('one that %s is forgotten at once', async (_, leave) => {
    const { app, port } = await openApp({ tls });
    const socket = await openBare(port);
    await expect.poll(() => app.connections.socketCount).toBe(1);
    leave(socket);
    await expect.poll(() => app.connections.socketCount).toBe(0);
    expect(await failedHandshakes(port)).toBe('1');
  });

  test.each([
    ['says nothing', ''],
    ['trickles', '\x16'],
  ])('one that %s is cut after headersTimeoutMs', async (_, byte) => {
    const { app, port } = await openApp({ tls, limits: { headersTimeoutMs: 200 } });
    const socket = await openBare(port);
    await expect.poll(() => app.connections.socketCount).toBe(1);
    const timer = setInterval(() => socket.write(byte), 20);
    onTestFinished(() => clearInterval(timer));
    expect(await readToCut(socket)).not.toContain('HTTP');
    await expect.poll(() => app.connections.socketCount).toBe(0);
    expect(await failedHandshakes(port)).toBe('1');
  });

  test('counts for the limit of connections until it ends', async () => {
    const { app, port } = await openApp({ tls, limits: { connectionsMax: 1 } });
    const silent = await openBare(port);
    await expect.poll(() => app.connections.socketCount).toBe(1);
    expect((await ask(port, get('/livez'))).status).toBe(503);
    silent.destroy();
    await expect.poll(() => app.connections.socketCount).toBe(0);
    expect((await ask(port, get('/livez', last))).status).toBe(200);
  });

  test('does not hold up a drain', async () => {
    const { app, port } = await openApp({ tls });
    const cut = readToCut(await openBare(port));
    await expect.poll(() => app.connections.socketCount).toBe(1);
    await drain(app, { deadlineMs: 60_000 });
    expect(await cut).toBe('');
    await expect.poll(() => app.connections.socketCount).toBe(0);
  });
});

test('a connection counts once, before its handshake and after it', async () => {
  const { app, port } = await openApp({ tls });
  const bare = await openBare(port);
  await expect.poll(() => app.connections.socketCount).toBe(1);
  const socket = await openSecure(port, { socket: bare, servername: 'localhost' });
  socket.write(get('/livez'));
  await once(socket, 'data');
  expect(app.connections.socketCount).toBe(1);
  socket.destroy();
  await expect.poll(() => app.connections.socketCount).toBe(0);
});

test.each([
  ['at rest', ''],
  ['with a request in flight', get('/v1/keys/a')],
  [
    'with half a request sent',
    'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf',
  ],
])('bytes that are no TLS end a connection %s', async (_, sent) => {
  const store = new LateStore();
  const { app, port } = await openApp({ tls, store });
  const bare = await openBare(port);
  const socket = await openSecure(port, { socket: bare, servername: 'localhost' });
  socket.on('error', () => undefined);
  if (sent !== '') await new Promise((resolve) => socket.write(sent, resolve));
  bare.write('garbage');
  const timer = setInterval(() => store.answer(), 1);
  onTestFinished(() => clearInterval(timer));
  await expect.poll(() => app.connections.socketCount).toBe(0);
  expect((await ask(port, get('/livez', last))).status).toBe(200);
});

test('a client that resets its connection as the handshake ends leaves nothing behind', async () => {
  const store = new LateStore();
  const { app, port } = await openApp({ tls, store });
  const puts = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv'.repeat(3);
  const opened = Array.from({ length: 20 }, async () => {
    const bare = await openBare(port);
    const socket = connect({ socket: bare, ca: trusted, servername: 'localhost' });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.write(puts, resolve));
    bare.resetAndDestroy();
  });
  await Promise.all(opened);
  const timer = setInterval(() => store.answer(), 1);
  onTestFinished(() => clearInterval(timer));
  await expect.poll(() => app.connections.socketCount, { timeout: 15_000 }).toBe(0);
});

/** A way to the server that keeps records of TLS until the test sends all of them in one packet. */
async function openHeld(port: number) {
  const bare = await openBare(port);
  const kept: Buffer[] = [];
  let isKeeping = false;
  const way = new Duplex({
    read: () => undefined,
    write: (record: Buffer, _encoding, done) => {
      if (isKeeping) kept.push(record);
      else bare.write(record);
      done();
    },
  });
  bare.on('data', (bytes) => way.push(bytes));
  const socket = await openSecure(port, { socket: way, servername: 'localhost' });
  isKeeping = true;
  return { socket, kept, send: () => bare.write(Buffer.concat(kept)) };
}

/** Sends four requests in records of their own, in one packet, to a server that does not answer. */
async function sendFour() {
  const store = new LateStore();
  const { app, port } = await openApp({ tls, store });
  const accepted = once(app.server, 'secureConnection') as Promise<[TLSSocket]>;
  const { socket, kept, send } = await openHeld(port);
  let text = '';
  socket.setEncoding('latin1').on('data', (more: string) => (text += more));
  const requests = [...['a', 'b', 'c'].map((key) => get(`/v1/keys/${key}`)), get('/livez', last)];
  for (const request of requests) {
    // oxlint-disable-next-line no-await-in-loop -- else the stream joins them in one record
    await new Promise((resolve) => socket.write(request, resolve));
  }
  expect(kept).toHaveLength(requests.length);
  send();
  const [connection] = await accepted;
  await expect.poll(() => [store.asked, connection.isPaused()]).toEqual([1, true]);
  const answerAll = (): void => {
    const timer = setInterval(() => store.answer(), 1);
    onTestFinished(() => clearInterval(timer));
  };
  const statuses = () => text.match(/(?<=HTTP\/1\.1 )\d+/g)?.map(Number);
  return { connection, answerAll, statuses };
}

test('requests in records of their own, in one packet, are answered in their order', async () => {
  const { answerAll, statuses } = await sendFour();
  answerAll();
  await expect.poll(statuses).toEqual([404, 404, 404, 200]);
});

test('a resume does not hand requests to a parser that is paused', async () => {
  const { connection, answerAll, statuses } = await sendFour();
  // A body reader does so when there is room for its body.
  connection.resume();
  await nextTurn();
  expect(connection.isPaused()).toBe(true);
  answerAll();
  await expect.poll(statuses).toEqual([404, 404, 404, 200]);
});

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

describe('a new pair', () => {
  test('is shown to new connections, and open ones go on', async () => {
    const { app, port } = await openApp({ tls });
    const before = await openSecure(port);
    usePair(app.server, pemPair('other'));
    const after = await openSecure(port);
    expect([nameOf(before), nameOf(after)]).toEqual(['Holdfast test one', 'Holdfast test other']);
    for (const socket of [before, after]) {
      const text = readToEnd(socket);
      socket.write(get('/livez', last));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(parseReply(await text).status).toBe(200);
    }
  });

  test('allows no older version of TLS either', async () => {
    const { app, port } = await openApp({ tls });
    usePair(app.server, pemPair('other'));
    await expect(openSecure(port, olderVersion)).rejects.toThrow(/alert/);
  });
});
