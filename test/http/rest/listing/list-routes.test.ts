import { beforeEach, describe, expect, test } from 'vitest';
import { openApp } from '../../../support/http/open-app.ts';
import { rawRequest } from '../../../support/http/raw-request.ts';

interface Page {
  readonly items: readonly { readonly key: string }[];
  readonly cursor?: string;
}

let app: Awaited<ReturnType<typeof openApp>>;

beforeEach(async () => {
  app = await openApp();
});

async function put(key: string, value: string | Uint8Array<ArrayBuffer>, query = '') {
  const url = `${app.url}/v1/keys/${encodeURIComponent(key)}${query}`;
  expect((await fetch(url, { method: 'PUT', body: value })).status).toBeLessThan(300);
}

async function page(query: string): Promise<Page> {
  const reply = await fetch(`${app.url}/v1/keys?${query}`);
  expect(reply.status).toBe(200);
  return (await reply.json()) as Page;
}

async function walk(query: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const next: Page = await page(cursor === undefined ? query : `${query}&cursor=${cursor}`);
    keys.push(...next.items.map(({ key }) => key));
    cursor = next.cursor;
  } while (cursor !== undefined);
  return keys;
}

test('an item has key, version, size and expiry, and the value only if the query asks for it', async () => {
  await put('a', 'text "quoted"', '?ttl=1s');
  await put('b', Buffer.from([0xff, 0x00]));
  const expiresAt = app.model.nowMs + 1000;
  const plain: unknown = await page('');
  expect(plain).toEqual({
    items: [
      { key: 'a', version: 1, size: 13, expiresAt },
      { key: 'b', version: 2, size: 2 },
    ],
  });
  const withValues: unknown = await page('include=values');
  expect(withValues).toEqual({
    items: [
      { key: 'a', version: 1, size: 13, expiresAt, value: 'text "quoted"' },
      { key: 'b', version: 2, size: 2, valueBase64: '/wA=' },
    ],
  });
});

test('an empty store has one empty page', async () => {
  const empty: unknown = await page('');
  expect(empty).toEqual({ items: [] });
});

describe('a walk', () => {
  // In the order of their UTF-8 bytes, which differs from the order of JavaScript's strings.
  const keys = ['', '\0', 'a', 'a b', 'a/1', 'a/2', 'a//', 'b', 'ü', '\u{FFFD}', '🐟'].filter(
    Boolean,
  );
  const ordered = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

  beforeEach(async () => {
    for (const key of keys) await put(key, 'v');
  });

  test.each([1, 2, 3, 10, 1000])('by %d a page passes each key once, in order', async (limit) => {
    expect(await walk(`limit=${limit}`)).toEqual(ordered);
    expect(await walk(`limit=${limit}&reverse=true`)).toEqual(ordered.toReversed());
  });

  test('is bounded by prefix, start and end, from either side', async () => {
    const slashed = ordered.filter((key) => key.startsWith('a/'));
    expect(await walk('prefix=a%2F&limit=1')).toEqual(slashed);
    expect(await walk('prefix=a%2F&limit=1&reverse=true')).toEqual(slashed.toReversed());
    expect(await walk('start=a%2F1&end=b&limit=1')).toEqual(['a/1', 'a/2']);
    expect(await walk('start=a%2F1&end=b&reverse=true&limit=1')).toEqual(['a/2', 'a/1']);
    expect(await walk('prefix=a+')).toEqual(['a b']);
    expect(await walk('prefix=%C3%BC')).toEqual(['ü']);
    expect(await walk('start=b&end=a')).toEqual([]);
  });

  test('goes on behind a key that was deleted meanwhile', async () => {
    const first = await page('limit=3');
    await fetch(`${app.url}/v1/keys/${encodeURIComponent(first.items[2]?.key ?? '')}`, {
      method: 'DELETE',
    });
    const second = await page(`limit=3&cursor=${first.cursor}`);
    expect(second.items[0]?.key).toBe(ordered[3]);
  });

  test.each(['limit=2', 'limit=3&reverse=true', 'limit=3&prefix=a', 'limit=3&start=a', ''])(
    'does not go on as the other query %j',
    async (other) => {
      const { cursor } = await page('limit=3');
      const reply = await fetch(`${app.url}/v1/keys?${other}&cursor=${cursor}`);
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({ code: 'BAD_REQUEST', parameter: 'cursor' });
    },
  );
});

test.each([
  ['limit=0', 'limit'],
  ['limit=1001', 'limit'],
  ['limit=-1', 'limit'],
  ['limit=1.0', 'limit'],
  ['limit=1e2', 'limit'],
  ['limit=', 'limit'],
  ['limit=%31x', 'limit'],
  ['reverse=yes', 'reverse'],
  ['reverse=', 'reverse'],
  ['reverse=TRUE', 'reverse'],
  ['include=keys', 'include'],
  ['include=', 'include'],
  ['cursor=', 'cursor'],
  ['cursor=AAAA', 'cursor'],
  ['cursor=*', 'cursor'],
  ['cursor=AAAAAAAAAAAAAAA=', 'cursor'],
  ['limit=1&limit=2', 'limit'],
  ['prefix=a&prefix=a', 'prefix'],
  ['Prefix=a', 'Prefix'],
  ['after=a', 'after'],
  ['%70refix=a&prefix=b', 'prefix'],
  ['=', ''],
])('the query %j is refused by name', async (query, parameter) => {
  const reply = await rawRequest(app.port, 'GET', `/v1/keys?${query}`);
  expect(reply.status).toBe(400);
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'BAD_REQUEST', parameter });
});

test.each(['prefix=%FF', 'prefix=%', 'prefix=%ED%A0%80', '%FF=1', 'start=%zz'])(
  'the query %j is not text and is refused',
  async (query) => {
    const reply = await rawRequest(app.port, 'GET', `/v1/keys?${query}`);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'BAD_REQUEST' });
  },
);

test.each(['', '?', '?&', '?&limit=5&'])('the target ends in %j and is fine', async (query) => {
  expect((await rawRequest(app.port, 'GET', `/v1/keys${query}`)).status).toBe(200);
});

test('head of a listing has no body', async () => {
  const reply = await rawRequest(app.port, 'HEAD', '/v1/keys');
  expect(reply).toMatchObject({ status: 200, body: '' });
});
