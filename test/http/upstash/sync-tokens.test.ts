// `upstash-sync-token`: opaque, new after each write. The server takes back any token.
import { Redis } from '@upstash/redis';
import { expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';

const posted = (body: string, headers = {}) => ({ method: 'POST', body, headers });

async function tokenOf(url: string, path: string, init: RequestInit = {}): Promise<string> {
  const reply = await fetch(`${url}/upstash${path}`, init);
  await reply.text();
  return reply.headers.get('upstash-sync-token') ?? 'none';
}

test('the token is another one after each write, and the same while nothing is written', async () => {
  const { url } = await openApp();
  const key = { 'idempotency-key': '1' };
  const writes = [
    await tokenOf(url, '/set/a/1'),
    await tokenOf(url, '/set/a/1'),
    await tokenOf(url, '', posted('["INCR","a"]')),
    await tokenOf(url, '/pipeline', posted('[["GET","a"],["INCR","a"]]')),
    await tokenOf(url, '/multi-exec', posted('[["INCR","a"]]')),
    await tokenOf(url, '', posted('["INCR","a"]', key)),
    await tokenOf(url, '/multi-exec', posted('[["INCR","a"]]', key)),
    // Refused, because another request used the key. An error of the store has a token, too.
    await tokenOf(url, '/multi-exec', posted('[["DECR","a"]]', key)),
    await tokenOf(url, '/incr/a', { headers: { 'upstash-response-format': 'resp2' } }),
    await tokenOf(url, '/flushdb'),
  ];
  expect(new Set(writes).size).toBe(writes.length);
  expect(writes).not.toContain('none');
  const reads = [
    await tokenOf(url, '/get/a'),
    await tokenOf(url, '', posted('["PING"]')),
    await tokenOf(url, '/pipeline', posted('[["GET","a"],["DBSIZE"]]')),
    await tokenOf(url, '/nosuch'),
    await tokenOf(url, '', posted('{}')),
  ];
  expect(new Set(reads)).toEqual(new Set([writes.at(-1)]));
});

test('a replayed answer has the token of now', async () => {
  const { url } = await openApp();
  const once = { headers: { 'idempotency-key': '1' } };
  const first = await tokenOf(url, '/incr/a', once);
  const second = await tokenOf(url, '/incr/a');
  expect([first, second]).not.toContain(await tokenOf(url, '/incr/a', once));
});

test('another process of the server gives other tokens', async () => {
  const apps = [await openApp(), await openApp()];
  const tokens = await Promise.all(apps.map(({ url }) => tokenOf(url, '/set/a/1')));
  expect(new Set(tokens).size).toBe(2);
});

test.each(['', '0', 'of another server', 'x'.repeat(4000), '\xff'])(
  'a request is carried out with any token: %j',
  async (token) => {
    const { url } = await openApp();
    const reply = await fetch(`${url}/upstash/set/a/1`, {
      headers: { 'upstash-sync-token': token },
    });
    expect([reply.status, await reply.text()]).toEqual([200, '{"result":"OK"}']);
  },
);

test('the stock client takes the token, and sends it back', async () => {
  const { url } = await openApp();
  const redis = new Redis({ url: `${url}/upstash`, token: 'any', enableTelemetry: false });
  const tokens = [redis.readYourWritesSyncToken];
  for (const value of ['x', 'y']) {
    await redis.set('a', value);
    tokens.push(redis.readYourWritesSyncToken);
    expect(await redis.get('a')).toBe(value);
  }
  expect(new Set(tokens).size).toBe(3);
});
