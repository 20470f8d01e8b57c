// Quotas as clients of each dialect see them, over the real engine.
import { beforeEach, describe, expect, test } from 'vitest';
import { openShardedApp } from '../support/http/open-sharded-app.ts';

let url: string;

type Reply = { readonly status: number; readonly body: Record<string, unknown> & unknown[] };

async function ask(method: string, path: string, body?: unknown, headers = {}): Promise<Reply> {
  const isText = typeof body === 'string';
  const reply = await fetch(`${url}${path}`, {
    method,
    headers: { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await reply.text();
  const isJson = /json/.test(reply.headers.get('content-type') ?? '');
  return { status: reply.status, body: isJson ? JSON.parse(text) : text };
}

const put = async (key: string, value: string, headers = {}): Promise<number> =>
  (await ask('PUT', `/ns/app/v1/keys/${key}`, value, headers)).status;
const view = async () => (await ask('GET', '/v1/admin/namespaces/app')).body;

beforeEach(async () => {
  ({ url } = await openShardedApp());
  await ask('PUT', '/v1/admin/namespaces/app', { keysMax: 2, bytesMax: 1000 });
  await put('a', '1');
  await put('b', '1');
});

test('a put past the quota is 507, with the limit and what there is', async () => {
  expect(await ask('PUT', '/ns/app/v1/keys/c', '1')).toMatchObject({
    status: 507,
    body: { code: 'QUOTA_EXCEEDED', outcome: 'not-applied', limit: 2, present: 2 },
  });
  expect(await put('a', 'x'.repeat(998))).toBe(507);
  expect(await put('a', 'x'.repeat(997))).toBe(204);
  expect(await ask('PUT', '/ns/app/v1/keys/b', '12')).toMatchObject({
    body: { code: 'QUOTA_EXCEEDED', limit: 1000, present: 1000 },
  });
  expect(await view()).toMatchObject({ keys: 2, bytes: 1000, keysMax: 2, bytesMax: 1000 });
});

test('the first put of a full namespace is refused like any other', async () => {
  expect((await ask('PUT', '/v1/admin/namespaces/none', { keysMax: 0 })).status).toBe(201);
  expect((await ask('PUT', '/ns/none/v1/keys/a', '1')).status).toBe(507);
});

test('a batch has the refusal in its place', async () => {
  const operations = [
    { op: 'put', key: 'c', value: 'x' },
    { op: 'delete', key: 'a' },
    { op: 'put', key: 'c', value: 'x' },
  ];
  const { body } = await ask('POST', '/ns/app/v1/batch', { operations });
  expect(body).toMatchObject({
    results: [
      { status: 507, code: 'QUOTA_EXCEEDED', limit: 2, present: 2 },
      { status: 204 },
      { status: 201 },
    ],
  });
});

test('a transaction past the quota changes nothing', async () => {
  const operations = [
    { op: 'delete', key: 'a' },
    { op: 'put', key: 'c', value: '1' },
    { op: 'put', key: 'd', value: '1' },
  ];
  const refused = await ask('POST', '/ns/app/v1/transactions', { operations });
  expect(refused).toMatchObject({ status: 507, body: { code: 'QUOTA_EXCEEDED' } });
  expect((await ask('GET', '/ns/app/v1/keys/a')).status).toBe(200);
  const fits = { operations: operations.slice(0, 2) };
  expect((await ask('POST', '/ns/app/v1/transactions', fits)).status).toBe(200);
});

describe('under /upstash', () => {
  const error = expect.stringMatching(/^QUOTA .*keysMax/);

  test('the error of the command begins with QUOTA', async () => {
    expect(await ask('POST', '/ns/app/upstash', ['SET', 'c', '1'])).toMatchObject({
      status: 507,
      body: { error },
    });
  });

  test('each command of a pipeline has its own', async () => {
    const lines = [
      ['SET', 'c', '1'],
      ['INCR', 'd'],
      ['APPEND', 'a', 'xy'],
      ['DEL', 'b'],
      ['MSET', 'c', '1', 'e', '1'],
      ['INCR', 'd'],
    ];
    const { body } = await ask('POST', '/ns/app/upstash/pipeline', lines);
    expect(body).toEqual([
      { error },
      { error },
      { result: 3 },
      { result: 1 },
      { error },
      { result: 1 },
    ]);
  });

  test('a transaction is discarded', async () => {
    const lines = [
      ['SET', 'a', '2'],
      ['SET', 'c', '1'],
    ];
    const { body } = await ask('POST', '/ns/app/upstash/multi-exec', lines);
    expect(body).toMatchObject({ error });
    expect((await ask('GET', '/ns/app/upstash/get/a')).body).toEqual({ result: '1' });
  });

  test('a flush makes room', async () => {
    expect((await ask('POST', '/ns/app/upstash', ['FLUSHDB'])).body).toEqual({ result: 'OK' });
    expect((await ask('POST', '/ns/app/upstash', ['SET', 'c', '1'])).status).toBe(200);
  });
});

test('unstorage is refused alike', async () => {
  expect((await ask('PUT', '/unstorage/app/c', '1')).status).toBe(507);
  expect((await ask('DELETE', '/unstorage/app/a')).status).toBe(200);
  expect((await ask('PUT', '/unstorage/app/c', '1')).status).toBe(200);
});

describe('a kept answer', () => {
  const once = { 'idempotency-key': 'k1' };

  test('counts as a key, and its request is refused if it finds no room', async () => {
    expect(await put('a', '2', once)).toBe(507);
    expect(await put('a', '2')).toBe(204);
    await ask('DELETE', '/ns/app/v1/keys/b');
    expect(await put('a', '3', once)).toBe(204);
    expect(await view()).toMatchObject({ keys: 2 });
    expect(await put('b', '1')).toBe(507);
  });

  test('goes with its namespace', async () => {
    await ask('DELETE', '/ns/app/v1/keys/b');
    expect(await put('a', '3', once)).toBe(204);
    expect((await ask('DELETE', '/v1/admin/namespaces/app')).status).toBe(204);
    expect(await put('a', '3', once)).toBe(201);
  });
});

test('a quota that is raised lets writes in at once', async () => {
  await ask('PUT', '/v1/admin/namespaces/app', { keysMax: 3 });
  expect([await put('c', '1'), await put('d', '1')]).toEqual([201, 507]);
  await ask('PUT', '/v1/admin/namespaces/app', {});
  expect(await put('d', '1')).toBe(201);
});

test('a namespace that is dropped and made again has no quota', async () => {
  await ask('DELETE', '/v1/admin/namespaces/app');
  expect([await put('a', '1'), await put('b', '1'), await put('c', '1')]).toEqual([201, 201, 201]);
});
