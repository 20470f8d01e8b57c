import { beforeEach, describe, expect, test } from 'vitest';
import { openApp, testLimits } from '../../../support/http/open-app.ts';

let app: Awaited<ReturnType<typeof openApp>>;

beforeEach(async () => {
  app = await openApp();
});

async function post(body: string | Uint8Array<ArrayBuffer>) {
  const reply = await fetch(`${app.url}/v1/batch`, { method: 'POST', body });
  const json: unknown = await reply.json();
  return { status: reply.status, json };
}

async function results(...operations: readonly unknown[]): Promise<unknown[]> {
  const { status, json } = await post(JSON.stringify({ operations }));
  expect(status).toBe(200);
  return (json as { results: unknown[] }).results;
}

test('operations on one key take effect in order, each with the status of its own', async () => {
  const all = await results(
    { op: 'get', key: 'a' },
    { op: 'put', key: 'a', value: 'x', ttl: '90s', ifNoneMatch: '*' },
    { op: 'get', key: 'a' },
    { op: 'put', key: 'a', valueBase64: '/wA=', ifMatch: 1 },
    { op: 'get', key: 'a' },
    { op: 'put', key: 'a', value: 'y', ifNoneMatch: '*' },
    { op: 'put', key: 'a', value: 'y', ifMatch: [5, 6] },
    { op: 'get', key: 'a', ifNoneMatch: 2 },
    { op: 'get', key: 'a', ifNoneMatch: [1, 3] },
    { op: 'get', key: 'a', ifMatch: 1 },
    { op: 'delete', key: 'a', ifMatch: '*' },
    { op: 'delete', key: 'a' },
    { op: 'delete', key: 'a', ifMatch: 2 },
    { op: 'get', key: 'a', ifMatch: '*' },
  );
  const durability = 'synced';
  expect(all).toEqual([
    { status: 404, code: 'KEY_NOT_FOUND' },
    { status: 201, version: 1, durability },
    { status: 200, version: 1, value: 'x', expiresAt: app.model.nowMs + 90_000 },
    { status: 204, version: 2, durability },
    { status: 200, version: 2, valueBase64: '/wA=' },
    { status: 412, code: 'CONDITION_FAILED', version: 2 },
    { status: 412, code: 'CONDITION_FAILED', version: 2 },
    { status: 304, version: 2 },
    { status: 200, version: 2, valueBase64: '/wA=' },
    { status: 412, code: 'CONDITION_FAILED', version: 2 },
    { status: 204, durability },
    { status: 404, code: 'KEY_NOT_FOUND' },
    { status: 412, code: 'CONDITION_FAILED' },
    { status: 404, code: 'KEY_NOT_FOUND' },
  ]);
});

test('an empty batch has no results', async () => {
  expect(await results()).toEqual([]);
});

describe('a malformed item is refused alone, by name', () => {
  const long = 'k'.repeat(testLimits.keyBytesMax + 1);
  test.each<[string, unknown, string]>([
    ['null', null, 'operations'],
    ['a number', 5, 'operations'],
    ['a list', [], 'operations'],
    ['nothing', {}, 'op'],
    ['an unknown op', { op: 'head', key: 'a' }, 'op'],
    ['an op that is a list', { op: ['get'], key: 'a' }, 'op'],
    ['no key', { op: 'get' }, 'key'],
    ['a null key', { op: 'get', key: null }, 'key'],
    ['a number as key', { op: 'get', key: 5 }, 'key'],
    ['an empty key', { op: 'get', key: '' }, 'key'],
    ['a lone surrogate in the key', { op: 'get', key: '\ud800' }, 'key'],
    ['a long key', { op: 'get', key: long }, 'key'],
    ['an unknown member', { op: 'get', key: 'a', x: 1 }, 'x'],
    ['a value on a get', { op: 'get', key: 'a', value: 'x' }, 'value'],
    ['a ttl on a delete', { op: 'delete', key: 'a', ttl: 1 }, 'ttl'],
    ['no value', { op: 'put', key: 'a' }, 'value'],
    ['two values', { op: 'put', key: 'a', value: 'x', valueBase64: '' }, 'value'],
    ['a number as value', { op: 'put', key: 'a', value: 5 }, 'value'],
    ['a null value', { op: 'put', key: 'a', value: null }, 'value'],
    ['a lone surrogate in the value', { op: 'put', key: 'a', value: 'x\udc00' }, 'value'],
    ['base64 without padding', { op: 'put', key: 'a', valueBase64: '/wA' }, 'valueBase64'],
    ['base64 of the other alphabet', { op: 'put', key: 'a', valueBase64: '_-8=' }, 'valueBase64'],
    ['base64 with a break', { op: 'put', key: 'a', valueBase64: '/w\nA=' }, 'valueBase64'],
    ['base64 with stray bits', { op: 'put', key: 'a', valueBase64: '/wB=' }, 'valueBase64'],
    ['base64 that is null', { op: 'put', key: 'a', valueBase64: null }, 'valueBase64'],
    ['a ttl of zero', { op: 'put', key: 'a', value: '', ttl: 0 }, 'ttl'],
    ['a ttl in fractions', { op: 'put', key: 'a', value: '', ttl: 1.5 }, 'ttl'],
    ['a ttl of other text', { op: 'put', key: 'a', value: '', ttl: 'soon' }, 'ttl'],
    ['a null ttl', { op: 'put', key: 'a', value: '', ttl: null }, 'ttl'],
    ['ifMatch true', { op: 'get', key: 'a', ifMatch: true }, 'ifMatch'],
    ['ifMatch null', { op: 'get', key: 'a', ifMatch: null }, 'ifMatch'],
    ['ifMatch of text', { op: 'get', key: 'a', ifMatch: '7' }, 'ifMatch'],
    ['ifMatch zero', { op: 'get', key: 'a', ifMatch: 0 }, 'ifMatch'],
    [
      'ifMatch of too many',
      { op: 'get', key: 'a', ifMatch: Array.from({ length: 1001 }, () => 1) },
      'ifMatch',
    ],
    ['ifMatch of nothing', { op: 'get', key: 'a', ifMatch: [] }, 'ifMatch'],
    ['ifMatch of mixed things', { op: 'get', key: 'a', ifMatch: [7, '*'] }, 'ifMatch'],
    ['ifNoneMatch false', { op: 'put', key: 'a', value: '', ifNoneMatch: false }, 'ifNoneMatch'],
  ])('%s', async (_, item, parameter) => {
    const [first, broken, last] = await results({ op: 'put', key: 'first', value: '1' }, item, {
      op: 'put',
      key: 'last',
      value: '2',
    });
    expect(first).toMatchObject({ status: 201 });
    expect(last).toMatchObject({ status: 201 });
    expect(broken).toMatchObject({ status: 400, parameter, retryable: false });
    expect(broken).toHaveProperty('code', parameter === 'key' ? 'KEY_INVALID' : 'BAD_REQUEST');
    expect(broken).toHaveProperty('outcome', 'not-applied');
    expect(broken).toHaveProperty('detail', expect.any(String));
  });

  test('a value over the limit is a 413 with the limit', async () => {
    const limit = testLimits.valueBytesMax;
    const [fits, text, base64] = await results(
      { op: 'put', key: 'a', value: 'ü'.repeat(limit / 2) },
      { op: 'put', key: 'a', value: `${'ü'.repeat(limit / 2)}x` },
      { op: 'put', key: 'a', valueBase64: Buffer.alloc(limit + 1).toString('base64') },
    );
    expect(fits).toMatchObject({ status: 201 });
    expect(text).toMatchObject({ status: 413, code: 'VALUE_TOO_LARGE', limit });
    expect(base64).toMatchObject({ status: 413, code: 'VALUE_TOO_LARGE', limit });
  });

  test('an own member __proto__ is a member like any other', async () => {
    const { json } = await post('{"operations":[{"op":"get","key":"a","__proto__":{"x":1}}]}');
    expect(json).toMatchObject({ results: [{ status: 400, parameter: '__proto__' }] });
  });

  test('of two members with one name the last counts', async () => {
    const { json } = await post('{"operations":[{"op":"get","op":"put","key":"a","value":"x"}]}');
    expect(json).toMatchObject({ results: [{ status: 201 }] });
  });
});

describe('a malformed envelope is refused whole', () => {
  const deep = 100_000;
  test.each([
    ['nothing', ''],
    ['no JSON', '{"operations":['],
    ['a byte order mark', '\xef\xbb\xbf{"operations":[]}'],
    ['invalid UTF-8', '{"operations":[{"op":"get","key":"\xff"}]}'],
    ['an encoded surrogate', '{"operations":[{"op":"get","key":"\xed\xa0\x80"}]}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no operations', '{}'],
    ['operations that are no list', '{"operations":{}}'],
    ['an unknown member', '{"operations":[],"x":1}'],
    ['an own member __proto__', '{"operations":[],"__proto__":[]}'],
  ])('%s', async (_, bytes) => {
    const { status, json } = await post(Buffer.from(bytes, 'latin1'));
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'BAD_REQUEST' });
  });

  test.each([
    ['lists that end', '['.repeat(deep) + ']'.repeat(deep)],
    ['lists that do not end', '['.repeat(deep)],
    ['objects', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`],
  ])('%s, 100,000 deep', async (_, text) => {
    app = await openApp({ limits: { batchBytesMax: 1024 * 1024, bodyBytesInFlightMax: 2 ** 21 } });
    expect((await post(text)).status).toBe(400);
  });

  test('a deep value in an item is a 400 of that item', async () => {
    app = await openApp({ limits: { batchBytesMax: 1024 * 1024, bodyBytesInFlightMax: 2 ** 21 } });
    const value = '['.repeat(deep) + ']'.repeat(deep);
    const { status, json } = await post(`{"operations":[{"op":"put","key":"a","value":${value}}]}`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ results: [{ status: 400, parameter: 'value' }] });
  });

  test('too many operations are a 413 with the limit', async () => {
    const limit = testLimits.batchOperationsMax;
    const operations = Array.from({ length: limit }, () => ({ op: 'get', key: 'a' }));
    expect(await results(...operations)).toHaveLength(limit);
    const { status, json } = await post(JSON.stringify({ operations: [...operations, {}] }));
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'REQUEST_TOO_LARGE', limit });
  });

  test('too many bytes are a 413 with the limit', async () => {
    const limit = testLimits.batchBytesMax;
    const { status, json } = await post(' '.repeat(limit + 1));
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'REQUEST_TOO_LARGE', limit });
  });

  test('megabytes of brackets are refused before they are parsed', async () => {
    app = await openApp({ limits: { batchBytesMax: 2 ** 22, bodyBytesInFlightMax: 2 ** 23 } });
    expect((await post(`[${'[],'.repeat(600_000)}[]]`)).status).toBe(413);
  });

  test('a query is refused', async () => {
    const reply = await fetch(`${app.url}/v1/batch?atomic=true`, { method: 'POST', body: '{}' });
    expect(reply.status).toBe(400);
  });
});
