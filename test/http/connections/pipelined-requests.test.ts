// Compares pipelined requests with the same requests sent one by one. Two servers over real threads
// and files, with several shards each, get the same requests. They must give the same replies.
import * as fc from 'fast-check';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openShardedApp } from '../../support/http/open-sharded-app.ts';
import { parseReplies, readToEnd } from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly isChunked?: boolean;
}

function bytesOf({ method, target, headers = [], body = '', isChunked = false }: Sent): string {
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers, framing, '', ''];
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
  return lines.join('\r\n') + (isChunked ? `${chunk}0\r\n\r\n` : body);
}

async function open(port: number): Promise<Socket> {
  const socket = connectToPort(port, { noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Leaves out the parts of a reply that depend on the time of its request. */
function repliesIn(text: string, requests: readonly Sent[]) {
  const replies = parseReplies(
    text,
    requests.map(({ method }) => method),
  );
  return replies.map(({ status, headers, body }) => {
    const others = Object.entries(headers).filter(
      ([name]) =>
        !['date', 'connection', 'upstash-sync-token', 'holdfast-request-id'].includes(name),
    );
    return { status, headers: Object.fromEntries(others), body };
  });
}

/** @param cuts offsets at which to cut the bytes into pieces */
async function sendAtOnce(port: number, requests: readonly Sent[], cuts: readonly number[] = []) {
  const socket = await open(port);
  const text = readToEnd(socket);
  const bytes = Buffer.from(requests.map(bytesOf).join(''), 'latin1');
  const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b)];
  for (const [index, place] of places.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- each piece is to leave alone
    await new Promise((resolve) => socket.write(bytes.subarray(place, places[index + 1]), resolve));
  }
  socket.end();
  return repliesIn(await text, requests);
}

/** Sends each request on a connection of its own, after the reply to the one before it. */
async function sendOneByOne(port: number, requests: readonly Sent[]) {
  const replies = [];
  for (const request of requests) {
    // oxlint-disable-next-line no-await-in-loop -- one request at a time is the point
    replies.push(...(await sendAtOnce(port, [request])));
  }
  return replies;
}

const key = (name: string): string => `/v1/keys/${name}`;
const json = (value: unknown): string => JSON.stringify(value);

const get = (name: string): Sent => ({ method: 'GET', target: key(name) });
const head = (name: string): Sent => ({ method: 'HEAD', target: key(name) });
const del = (name: string): Sent => ({ method: 'DELETE', target: key(name) });
const put = (name: string, body: string): Sent => ({ method: 'PUT', target: key(name), body });
const putChunked = (name: string, body: string): Sent => ({ ...put(name, body), isChunked: true });
const putNew = (name: string, body: string): Sent => ({
  ...put(name, body),
  headers: ['If-None-Match: *'],
});
const list: Sent = { method: 'GET', target: '/v1/keys?include=values' };
const batch = (...operations: object[]): Sent => ({
  method: 'POST',
  target: '/v1/batch',
  body: json({ operations }),
});
const transaction = (...operations: object[]): Sent => ({
  ...batch(...operations),
  target: '/v1/transactions',
});
const command = (...words: string[]): Sent => ({
  method: 'POST',
  target: '/upstash',
  body: json(words),
});
const commands = (end: string, ...lists: string[][]): Sent => ({
  method: 'POST',
  target: `/upstash/${end}`,
  body: json(lists),
});
const item = (method: string, name: string, body?: string): Sent => ({
  method,
  target: `/unstorage/default/${name}`,
  ...(body === undefined ? {} : { body }),
});
const backup: Sent = { method: 'GET', target: '/v1/backup' };

// Three shards hold these keys: `a`, `b`, and `c` with `d`.
const names = ['a', 'b', 'c', 'd'];

async function openTwins() {
  const [one, other] = await Promise.all([openShardedApp(), openShardedApp()]);
  return { pipelined: one.port, plain: other.port };
}

const putAll = names.map((name) => put(name, 'old'));

const cases: readonly (readonly [string, readonly Sent[]])[] = [
  ['a put and a delete', [put('a', 'v'), del('a'), get('a')]],
  ['puts and reads', [put('a', '1'), get('a'), put('a', '2'), get('a'), head('a'), get('a')]],
  ['chunked puts', [putChunked('a', '1'), putChunked('a', '2'), get('a'), del('a'), get('a')]],
  ['conditions', [putNew('a', '1'), putNew('a', '2'), del('a'), putNew('a', '3'), get('a')]],
  ['keys of all shards, and a listing', [...putAll, list, ...names.map(del), list]],
  [
    'batches',
    [
      batch(...names.map((name) => ({ op: 'put', key: name, value: 'b' }))),
      put('a', 'later'),
      batch(...names.map((name) => ({ op: 'get', key: name }))),
      batch(...names.map((name) => ({ op: 'delete', key: name }))),
      list,
    ],
  ],
  [
    'transactions over all shards',
    [
      transaction(...names.map((name) => ({ op: 'increment', key: name }))),
      ...names.map(get),
      transaction(...names.map((name) => ({ op: 'increment', key: name }))),
      put('a', '10'),
      transaction(...names.map((name) => ({ op: 'increment', key: name }))),
      list,
    ],
  ],
  [
    'commands',
    [
      command('set', 'a', '1'),
      command('incr', 'a'),
      command('mset', 'a', '5', 'b', '6', 'c', '7'),
      { method: 'GET', target: '/upstash/mget/a/b/c' },
      command('dbsize'),
      command('flushdb'),
      command('dbsize'),
      command('get', 'a'),
      command('set', 'a', '9'),
      command('keys', '*'),
    ],
  ],
  [
    'pipelines and transactions of commands',
    [
      commands('pipeline', ['set', 'a', '1'], ['set', 'b', '2'], ['incr', 'a']),
      commands('multi-exec', ['incr', 'a'], ['incr', 'b'], ['set', 'c', '3']),
      commands('pipeline', ['mget', 'a', 'b', 'c'], ['flushdb'], ['get', 'a']),
      commands('multi-exec', ['get', 'a'], ['set', 'a', '1'], ['get', 'a']),
      command('get', 'a'),
    ],
  ],
  [
    'items',
    [
      item('PUT', 'a', '1'),
      item('GET', 'a'),
      item('PUT', 'b:c', '2'),
      item('GET', ''),
      item('DELETE', 'a'),
      item('HEAD', 'a'),
      item('DELETE', ''),
      item('GET', ''),
      item('PUT', 'a', '3'),
      item('GET', 'a'),
    ],
  ],
  [
    'dialects among each other',
    [
      put('a', '1'),
      command('incr', 'a'),
      item('GET', 'a'),
      item('PUT', 'a', '5'),
      command('incr', 'a'),
      get('a'),
      item('DELETE', ''),
      command('dbsize'),
      list,
    ],
  ],
  [
    'refused requests',
    [put('a', '1'), get('%zz'), command('incr', 'x', 'y'), { ...list, method: 'BREW' }],
  ],
];

test('pipelined requests are answered as if they were sent one by one', async () => {
  const { pipelined, plain } = await openTwins();
  for (const [name, requests] of cases) {
    const all = [command('flushdb'), ...requests];
    // oxlint-disable-next-line no-await-in-loop -- one at a time: it is the same server
    const expected = await sendOneByOne(plain, all);
    expect(expected).toHaveLength(all.length);
    // oxlint-disable-next-line no-await-in-loop -- as above
    expect([name, ...(await sendAtOnce(pipelined, all))]).toEqual([name, ...expected]);
  }
});

test('a backup has all requests sent before it, and none sent behind it', async () => {
  const { port } = await openShardedApp();
  const before = names.map((name) => put(name, 'before'));
  const behind = names.map((name) => put(name, 'behind'));
  const replies = await sendAtOnce(port, [...before, backup, ...behind, list]);
  expect(replies).toHaveLength(10);
  const text = replies[4]?.body ?? '';
  const page = replies[9]?.body ?? '';
  expect([text.match(/before/g), text.match(/behind/g)]).toEqual([Array(4).fill('before'), null]);
  expect([page.match(/before/g), page.match(/behind/g)]).toEqual([null, Array(4).fill('behind')]);
});

const anyName = fc.constantFrom(...names);
const anyValue = fc.integer({ min: 0, max: 99 }).map(String);
const someNames = fc.uniqueArray(anyName, { minLength: 1 });

/** A request whose reply, or that of a later one, shows when it took effect. */
const anyRequest: fc.Arbitrary<Sent> = fc.oneof(
  fc.tuple(anyName, anyValue).map(([name, value]) => put(name, value)),
  fc.tuple(anyName, anyValue).map(([name, value]) => putChunked(name, value)),
  fc.tuple(anyName, anyValue).map(([name, value]) => putNew(name, value)),
  anyName.map(get),
  anyName.map(head),
  anyName.map(del),
  fc.constant(list),
  someNames.map((all) => batch(...all.map((each) => ({ op: 'get', key: each })))),
  fc
    .tuple(someNames, anyValue)
    .map(([all, value]) => batch(...all.map((each) => ({ op: 'put', key: each, value })))),
  someNames.map((all) => transaction(...all.map((each) => ({ op: 'increment', key: each })))),
  anyName.map((name) => command('incr', name)),
  anyName.map((name) => ({ method: 'GET', target: `/upstash/getdel/${name}` })),
  fc.tuple(someNames, anyValue).map(([all, value]) => {
    return command('mset', ...all.flatMap((each) => [each, value]));
  }),
  someNames.map((all) => commands('multi-exec', ...all.map((each) => ['incr', each]))),
  someNames.map((all) => commands('pipeline', ...all.map((each) => ['append', each, '1']))),
  fc.constant(command('dbsize')),
  fc.constant(command('flushdb')),
  fc.tuple(anyName, anyValue).map(([name, value]) => item('PUT', name, value)),
  anyName.map((name) => item('GET', name)),
  anyName.map((name) => item('DELETE', name)),
  fc.constant(item('GET', '')),
  fc.constant(item('DELETE', '')),
);

test(
  'random requests in random pieces are answered as if they were sent one by one',
  { timeout: 120_000 },
  async () => {
    const { pipelined, plain } = await openTwins();
    const requests = fc.array(anyRequest, { minLength: 2, maxLength: 24 });
    const cuts = fc.array(fc.nat(), { maxLength: 3 });
    const property = fc.asyncProperty(requests, cuts, async (all, places) => {
      const expected = await sendOneByOne(plain, all);
      expect(await sendAtOnce(pipelined, all, places)).toEqual(expected);
    });
    // Both servers keep their data, so a smaller case would not begin with the same data.
    await fc.assert(property, { numRuns: 40, endOnFailure: true });
  },
);
