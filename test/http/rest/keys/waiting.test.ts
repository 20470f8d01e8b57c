import { describe, expect, test } from 'vitest';
import { openApp } from '../../../support/http/open-app.ts';
import { openShardedApp } from '../../../support/http/open-sharded-app.ts';
import {
  ask,
  askWaiting,
  factsOf,
  putValue,
  untilWaiting,
  type WaitingServer,
} from '../../../support/http/waiting-requests.ts';

const key = '/v1/keys/a';
const present = { status: 200, text: 'y' };

async function post({ url }: WaitingServer, path: string, body: unknown): Promise<void> {
  const reply = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
  if (reply.status !== 200) throw new Error(`${path} was answered ${reply.status}`);
}

describe('a read that need not wait is answered at once', () => {
  test.each([
    ['there is an entry, and the client holds none', undefined, 200],
    ['the client holds another version', '"99"', 200],
    ['the client holds an entity tag that is no version', '"abc"', 200],
  ])('%s', async (_, held, status) => {
    const opened = await openApp();
    await putValue(opened, key);
    expect((await ask(opened, key, { held })).status).toBe(status);
    expect(opened.app.waits.count).toBe(0);
  });

  test('the client holds an entry, and there is none', async () => {
    const reply = await ask(await openApp(), key, { held: '"1"' });
    expect(reply.status).toBe(404);
  });

  test('a wait of no time', async () => {
    const opened = await openApp();
    const etag = await putValue(opened, key);
    expect((await ask(opened, key, { wait: '0', held: etag })).status).toBe(304);
    expect((await ask(opened, '/v1/keys/b', { wait: '0s' })).status).toBe(404);
  });

  test('If-Match fails', async () => {
    const opened = await openApp();
    const etag = await putValue(opened, key);
    const reply = await ask(opened, key, { held: etag, headers: { 'if-match': '"99"' } });
    expect(reply.status).toBe(412);
  });
});

describe('a change of the entry answers', () => {
  test('a client that holds the version, with the new one', async () => {
    const opened = await openShardedApp();
    const held = await putValue(opened, key);
    const { reply } = await askWaiting(opened, key, { held });
    const etag = await putValue(opened, key, 'y');
    expect(await factsOf(reply)).toEqual({ ...present, etag });
    await untilWaiting(opened, 0);
  });

  test('a client that holds any version, once the entry is deleted', async () => {
    const opened = await openShardedApp();
    await putValue(opened, key);
    const { reply } = await askWaiting(opened, key, { held: '*' });
    await putValue(opened, key, 'y');
    await fetch(opened.url + key, { method: 'DELETE' });
    expect((await reply).status).toBe(404);
  });

  test('a client that holds no entry, once there is one', async () => {
    const opened = await openShardedApp();
    const { reply } = await askWaiting(opened, key);
    const etag = await putValue(opened, key, 'y');
    expect(await factsOf(reply)).toEqual({ ...present, etag });
  });

  test('a HEAD, without the value', async () => {
    const opened = await openShardedApp();
    const { reply } = await askWaiting(opened, key, { method: 'HEAD' });
    const etag = await putValue(opened, key, 'yyy');
    const { headers } = await reply;
    expect(await factsOf(reply)).toEqual({ status: 200, text: '', etag });
    expect(headers.get('content-length')).toBe('3');
  });

  test('by its own dialect of the entry that the namespace in front of the path names', async () => {
    const opened = await openShardedApp();
    await putValue(opened, '/ns/app/v1/keys/b');
    const { reply } = await askWaiting(opened, '/ns/app/v1/keys/a');
    await putValue(opened, key);
    expect(opened.app.waits.count).toBe(1);
    await putValue(opened, '/ns/app/v1/keys/a', 'y');
    expect(await factsOf(reply)).toMatchObject(present);
  });

  /** Keys of one letter are in different shards. */
  const everywhere = ['a', 'b', 'c', 'd', 'e', 'f'];

  const changes: readonly (readonly [
    string,
    number,
    (opened: WaitingServer) => Promise<unknown>,
  ])[] = [
    ['a PUT', 200, (opened) => putValue(opened, key, 'y')],
    ['a DELETE', 404, ({ url }) => fetch(url + key, { method: 'DELETE' })],
    [
      'a PUT with an Idempotency-Key',
      200,
      ({ url }) =>
        fetch(url + key, { method: 'PUT', body: 'y', headers: { 'idempotency-key': '"k"' } }),
    ],
    [
      'a batch',
      200,
      (opened) => post(opened, '/v1/batch', { operations: [{ op: 'put', key: 'a', value: 'y' }] }),
    ],
    [
      'a transaction over all shards',
      200,
      (opened) =>
        post(opened, '/v1/transactions', {
          operations: everywhere.map((each) => ({ op: 'put', key: each, value: 'y' })),
        }),
    ],
    [
      'a transaction in one shard',
      404,
      (opened) => post(opened, '/v1/transactions', { operations: [{ op: 'delete', key: 'a' }] }),
    ],
    ['a command', 200, (opened) => post(opened, '/upstash', ['SETRANGE', 'a', '0', 'y'])],
    ['a command on keys of several shards', 200, (opened) => post(opened, '/upstash', ['MSET', ...everywhere.flatMap((each) => [each, 'y'])])], // prettier-ignore
    ['a command that gives it a deadline', 200, (opened) => post(opened, '/upstash', ['EXPIRE', 'a', '100'])], // prettier-ignore
    ['a flush', 404, (opened) => post(opened, '/upstash', ['FLUSHDB'])],
    ['a flush of all', 404, (opened) => post(opened, '/upstash', ['FLUSHALL'])],
    [
      'unstorage',
      200,
      ({ url }) => fetch(`${url}/unstorage/default/a`, { method: 'PUT', body: 'y' }),
    ],
    [
      'unstorage’s clear',
      404,
      ({ url }) => fetch(`${url}/unstorage/default/`, { method: 'DELETE' }),
    ],
  ];

  test.each(changes)('made by %s', async (_, status, change) => {
    const opened = await openShardedApp();
    const held = await putValue(opened, key);
    const { reply } = await askWaiting(opened, key, { held });
    await change(opened);
    expect((await reply).status).toBe(status);
    await untilWaiting(opened, 0);
  });

  test('made by its expiry', async () => {
    const opened = await openShardedApp();
    const held = await putValue(opened, `${key}?ttl=10s`);
    const { reply } = await askWaiting(opened, key, { held });
    opened.clock.advance(10_000);
    expect((await reply).status).toBe(404);
  });

  test('made by the drop of its namespace', async () => {
    const opened = await openShardedApp();
    const held = await putValue(opened, '/ns/app/v1/keys/a');
    const { reply } = await askWaiting(opened, '/ns/app/v1/keys/a', { held });
    const drop = await fetch(`${opened.url}/v1/admin/namespaces/app`, { method: 'DELETE' });
    expect(drop.status).toBe(204);
    expect([(await reply).status, await (await reply).json()]).toMatchObject([
      404,
      { code: 'NAMESPACE_NOT_FOUND' },
    ]);
  });

  test('for 200 clients at once, with one value', async () => {
    const limits = { waitersMax: 200, connectionsMax: 300 };
    const opened = await openApp({ limits });
    const replies = Array.from({ length: 200 }, () => ask(opened, key));
    await untilWaiting(opened, 200);
    const etag = await putValue(opened, key, 'y');
    for (const reply of await Promise.all(replies.map(factsOf))) {
      expect(reply).toEqual({ ...present, etag });
    }
    expect(opened.model.watchCount).toBe(0);
  });
});

describe('a write that changes nothing', () => {
  test('answers no waiting client', async () => {
    const opened = await openShardedApp();
    const held = await putValue(opened, key);
    const { reply } = await askWaiting(opened, key, { held });
    const refused = { method: 'PUT', body: 'z', headers: { 'if-match': '"99"' } };
    expect((await fetch(opened.url + key, refused)).status).toBe(412);
    await fetch(`${opened.url}/upstash/setnx/a/z`);
    await putValue(opened, '/v1/keys/b');
    expect(opened.app.waits.count).toBe(1);
    const etag = await putValue(opened, key, 'y');
    expect(await factsOf(reply)).toEqual({ ...present, etag });
  });
});

describe('once the time is over', () => {
  test('a client that holds the entry gets 304 with its version', async () => {
    const opened = await openShardedApp();
    const held = await putValue(opened, key);
    const { reply } = await askWaiting(opened, key, { wait: '20ms', held });
    opened.clock.advance(20);
    const { status, headers } = await reply;
    expect([status, headers.get('etag')]).toEqual([304, held]);
  });

  test('a client that holds none gets 404', async () => {
    const opened = await openApp();
    const reply = await ask(opened, key, { wait: '20ms' });
    expect([reply.status, await reply.json()]).toMatchObject([404, { code: 'KEY_NOT_FOUND' }]);
    expect(opened.model.watchCount).toBe(0);
  });
});

describe('a wait is refused', () => {
  test.each(['6m', '301', '300001ms', '1d', '9'.repeat(30), '-1', '1.5s', 's', '', '1w', '5M'])(
    '%j is no time from 0 to 5 minutes',
    async (wait) => {
      const reply = await ask(await openApp(), key, { wait });
      const body = { code: 'BAD_REQUEST', parameter: 'wait', outcome: 'not-applied' };
      expect([reply.status, await reply.json()]).toMatchObject([400, body]);
    },
  );

  test('the error names the bound', async () => {
    const reply = await ask(await openApp(), key, { wait: '6m' });
    const { detail, limit } = (await reply.json()) as { detail: string; limit: number };
    expect([detail, limit]).toEqual([expect.stringContaining('At most 5 minutes'), 300_000]);
  });

  test.each(['wait=1s&wait=1s', 'wait=1s&other=1'])('by the query %j', async (query) => {
    const { url } = await openApp();
    expect((await fetch(`${url}${key}?${query}`)).status).toBe(400);
  });

  test.each(['PUT', 'DELETE'])('of a %s', async (method) => {
    const opened = await openApp();
    const body = method === 'PUT' ? { body: 'x' } : {};
    const reply = await fetch(`${opened.url}${key}?wait=1s`, { method, ...body });
    expect(reply.status).toBe(400);
  });

  test('past waitersMax of its namespace, and only while that many wait', async () => {
    const opened = await openApp({ limits: { waitersMax: 2 } });
    await putValue(opened, '/ns/app/v1/keys/b');
    const first = await askWaiting(opened, key);
    await askWaiting(opened, '/v1/keys/b');
    const refused = await ask(opened, key);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({
      code: 'WAITERS_FULL',
      retryable: true,
      outcome: 'not-applied',
      limit: 2,
    });
    await askWaiting(opened, '/ns/app/v1/keys/a');
    await putValue(opened, key, 'y');
    expect((await first.reply).status).toBe(200);
    await untilWaiting(opened, 2);
    await askWaiting(opened, '/v1/keys/c');
  });
});

describe('metrics', () => {
  test('count waiting requests apart, and not among those in flight', async () => {
    const opened = await openApp();
    await askWaiting(opened, key);
    const answered = await askWaiting(opened, '/v1/keys/b');
    await putValue(opened, '/v1/keys/b');
    await answered.reply;
    const text = await (await fetch(`${opened.url}/metrics`)).text();
    expect(text).toContain('holdfast_http_waiters 1\n');
    expect(text).toContain('holdfast_http_work_in_flight_units 0\n');
    expect(text).toContain('holdfast_http_requests_in_flight 1\n');
    const series = 'holdfast_http_requests_total{route="/v1/keys/:key?wait",method="GET"';
    expect(text).toContain(`${series},status="2xx"} 1\n`);
  });
});
