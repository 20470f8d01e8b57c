// Requests of the REST dialect with an Idempotency-Key.
import { describe, expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';

interface Asked {
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

const key = { 'idempotency-key': 'k1' };

async function ask(url: string, method: string, path: string, { body, headers }: Asked = {}) {
  const reply = await fetch(`${url}${path}`, {
    method,
    headers: { ...key, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const { status } = reply;
  const replayed = reply.headers.get('idempotent-replayed');
  return { status, text: await reply.text(), headers: reply.headers, replayed };
}

describe('a single key', () => {
  test('is put once, and a repeat gets the first answer with its version', async () => {
    const { url, model } = await openApp();
    const first = await ask(url, 'PUT', '/v1/keys/a', { body: 'x' });
    expect(first).toMatchObject({ status: 201, text: '', replayed: null });
    expect(first.headers.get('holdfast-durability')).toBe('synced');
    const version = model.entries.get('default\na')?.version;
    expect(first.headers.get('etag')).toBe(`"${version}"`);
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'y' });
    const again = await ask(url, 'PUT', '/v1/keys/a', { body: 'x' });
    expect(again).toMatchObject({ status: 201, text: '', replayed: 'true' });
    for (const name of ['etag', 'holdfast-durability', 'x-content-type-options']) {
      expect(again.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(model.entries.get('default\na')?.value.toString()).toBe('y');
  });

  test('keeps its time to live', async () => {
    const { url, model } = await openApp();
    await ask(url, 'PUT', '/v1/keys/a?ttl=10s', { body: 'x' });
    expect(model.entries.get('default\na')?.expiresAt).toBe(model.nowMs + 10_000);
  });

  test('is deleted once, and a key that was missing stays not found', async () => {
    const { url, model } = await openApp();
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    expect(await ask(url, 'DELETE', '/v1/keys/a')).toMatchObject({ status: 204, replayed: null });
    expect(await ask(url, 'DELETE', '/v1/keys/b')).toMatchObject({ status: 404, replayed: null });
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    await fetch(`${url}/v1/keys/b`, { method: 'PUT', body: 'x' });
    expect(await ask(url, 'DELETE', '/v1/keys/a')).toMatchObject({ status: 204, replayed: 'true' });
    const missing = await ask(url, 'DELETE', '/v1/keys/b');
    expect(missing).toMatchObject({ status: 404, replayed: 'true' });
    expect(missing.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(missing.text)).toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect(model.entries.has('default\na') && model.entries.has('default\nb')).toBe(true);
  });

  test('has its conditions judged once', async () => {
    const { url } = await openApp();
    const headers = { 'if-none-match': '*' };
    expect(await ask(url, 'PUT', '/v1/keys/a', { body: 'x', headers })).toMatchObject({
      status: 201,
    });
    // Without the key the server would refuse the repeat, because the entry exists by now.
    const again = await ask(url, 'PUT', '/v1/keys/a', { body: 'x', headers });
    expect(again).toMatchObject({ status: 201, replayed: 'true' });
    const other = await ask(url, 'PUT', '/v1/keys/a', { body: 'x' });
    expect(other.status).toBe(422);
    expect(JSON.parse(other.text)).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      outcome: 'not-applied',
      retryable: false,
      parameter: 'Idempotency-Key',
    });
  });

  test.each([
    ['another value', '/v1/keys/a', 'y', {}],
    ['another query', '/v1/keys/a?ttl=5', 'x', {}],
    ['another condition', '/v1/keys/a', 'x', { 'if-match': '"1"' }],
  ])('%s with the same key is refused', async (_, path, body, headers) => {
    const { url } = await openApp();
    await ask(url, 'PUT', '/v1/keys/a', { body: 'x' });
    expect(await ask(url, 'PUT', path, { body, headers })).toMatchObject({ status: 422 });
  });

  test('another path or method with the same key is another request', async () => {
    const { url } = await openApp();
    await ask(url, 'PUT', '/v1/keys/a', { body: 'x' });
    expect(await ask(url, 'PUT', '/v1/keys/b', { body: 'x' })).toMatchObject({ status: 201 });
    expect(await ask(url, 'DELETE', '/v1/keys/a')).toMatchObject({ status: 204, replayed: null });
  });

  test('is read without regard to the key', async () => {
    const { url } = await openApp();
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    expect(await ask(url, 'GET', '/v1/keys/a')).toMatchObject({ status: 200, replayed: null });
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'y' });
    expect(await ask(url, 'GET', '/v1/keys/a')).toMatchObject({ text: 'y', replayed: null });
  });

  test.each(['a b', 'a,b', '"', 'k'.repeat(256)])(
    'a malformed key is refused: %s',
    async (none) => {
      const { url, model } = await openApp();
      const headers = { 'idempotency-key': none };
      const refused = await ask(url, 'PUT', '/v1/keys/a', { body: 'x', headers });
      expect(refused.status).toBe(400);
      expect(JSON.parse(refused.text)).toMatchObject({ parameter: 'Idempotency-Key' });
      expect(model.entries.size).toBe(0);
    },
  );
});

describe('a batch', () => {
  const operations = [
    { op: 'put', key: 'a', value: '1' },
    { op: 'get', key: 'a' },
    { op: 'put', key: 'b', value: '2', ifNoneMatch: '*' },
    { op: 'put', key: 'b', value: '3', ifNoneMatch: '*' },
    { op: 'nonsense' },
    { op: 'delete', key: 'c' },
  ];

  test('is carried out once, and as a whole', async () => {
    const { url, model } = await openApp();
    const body = JSON.stringify({ operations });
    const first = await ask(url, 'POST', '/v1/batch', { body });
    const { results } = JSON.parse(first.text) as { results: { status: number }[] };
    expect(results.map(({ status }) => status)).toEqual([201, 200, 201, 412, 400, 404]);
    await fetch(`${url}/v1/keys/a`, { method: 'DELETE' });
    const again = await ask(url, 'POST', '/v1/batch', { body });
    expect(again).toMatchObject({ status: 200, text: first.text, replayed: 'true' });
    expect(model.entries.has('default\na')).toBe(false);
  });

  test('that only reads is carried out again each time', async () => {
    const { url } = await openApp();
    const body = JSON.stringify({ operations: [{ op: 'get', key: 'a' }] });
    const first = await ask(url, 'POST', '/v1/batch', { body });
    await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    const again = await ask(url, 'POST', '/v1/batch', { body });
    expect(again.replayed).toBeNull();
    expect(again.text).not.toBe(first.text);
  });

  test('whose answer is too large to be kept changes nothing', async () => {
    const limits = { valueBytesMax: 50_000, batchBytesMax: 200_000, bodyBytesInFlightMax: 400_000 };
    const { url, model } = await openApp({ limits });
    const value = 'x'.repeat(40_000);
    const put = { op: 'put', key: 'a', value };
    const get = { op: 'get', key: 'a' };
    const body = JSON.stringify({ operations: [put, get, get] });
    const refused = await ask(url, 'POST', '/v1/batch', { body });
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.text)).toMatchObject({
      code: 'REPLY_TOO_LARGE',
      limit: 65_536,
      outcome: 'not-applied',
    });
    expect(model.entries.size).toBe(0);
  });
});

describe('a transaction', () => {
  test('counts once, whether its checks hold by now or not', async () => {
    const { url, model } = await openApp();
    const body = JSON.stringify({
      checks: [{ key: 'n', exists: false }],
      operations: [{ op: 'increment', key: 'n', by: 5 }],
    });
    const first = await ask(url, 'POST', '/v1/transactions', { body });
    expect(JSON.parse(first.text)).toMatchObject({ committed: true });
    const again = await ask(url, 'POST', '/v1/transactions', { body });
    expect(again).toMatchObject({ status: 200, text: first.text, replayed: 'true' });
    expect(model.entries.get('default\nn')?.value.toString()).toBe('5');
  });

  test('whose checks did not hold stays so', async () => {
    const { url, model } = await openApp();
    const body = JSON.stringify({
      checks: [{ key: 'n', exists: true }],
      operations: [{ op: 'increment', key: 'n' }],
    });
    expect(await ask(url, 'POST', '/v1/transactions', { body })).toMatchObject({ status: 409 });
    await fetch(`${url}/v1/keys/n`, { method: 'PUT', body: '1' });
    const again = await ask(url, 'POST', '/v1/transactions', { body });
    expect(again).toMatchObject({ status: 409, replayed: 'true' });
    expect(model.entries.get('default\nn')?.value.toString()).toBe('1');
  });

  test('that cannot be carried out may be sent again', async () => {
    const { url } = await openApp();
    await fetch(`${url}/v1/keys/n`, { method: 'PUT', body: 'word' });
    const body = JSON.stringify({ operations: [{ op: 'increment', key: 'n' }] });
    const refused = await ask(url, 'POST', '/v1/transactions', { body });
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'VALUE_NOT_AN_INTEGER' });
    await fetch(`${url}/v1/keys/n`, { method: 'PUT', body: '1' });
    const again = await ask(url, 'POST', '/v1/transactions', { body });
    expect(again).toMatchObject({ status: 200, replayed: null });
  });
});
