// The stock driver sees the keys that it can name, each once, and no other key.
import * as fc from 'fast-check';
import httpDriver from 'unstorage/drivers/http';
import { expect, test } from 'vitest';
import { textOfByteString } from '../../../src/base/byte-string.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { canBeNamed } from '../../../src/http/unstorage/item.ts';
import type { ModelStore } from '../../support/stores/model-store.ts';
import { makeNamespaces, openApp, testLimits } from '../../support/http/open-app.ts';
import { openShardedApp } from '../../support/http/open-sharded-app.ts';

/** Each value is the number of its key, so that no other key's value can pass for it. */
async function putAll(url: string, keys: readonly string[]): Promise<void> {
  const operations = keys.map((key, index) => ({ op: 'put', key, value: `v${index}` }));
  const body = JSON.stringify({ operations });
  const reply = await fetch(`${url}/v1/batch`, { method: 'POST', body });
  const { results } = (await reply.json()) as { results: { status: number }[] };
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set([201]));
}

function driverOf(url: string) {
  const driver = httpDriver({ base: `${url}/unstorage/default` });
  const list = async (base = ''): Promise<string[]> =>
    (await driver.getKeys(base, {})).map((each: string) => each.replaceAll('/', ':'));
  const get = async (key: string): Promise<unknown> => {
    try {
      return await driver.getItem(key);
    } catch {
      return undefined;
    }
  };
  const clear = async (base = ''): Promise<void> => driver.clear?.(base, {});
  return { list, get, clear };
}

function keysIn(model: ModelStore): string[] {
  return model.clientNames.map((name) => textOfByteString(name.split('\n')[1] ?? ''));
}

const pieces = [':', ':', ':', '/', '\\', '.', '..', 'a', 'b', '?', '#', '%', '$', ' ', 'é', '漢'];
const piece = fc.constantFrom(...pieces, '\0', '%2F', '%3A', '%2e', '{t}', '__proto__');
const key = fc
  .array(piece, { minLength: 1, maxLength: 8 })
  .map((some) => some.join(''))
  .filter((text) => Buffer.byteLength(text) <= testLimits.keyBytesMax);
const keySet = fc.uniqueArray(key, { minLength: 1, maxLength: 25 });

test('the driver can get exactly the keys that it lists, and clearing removes exactly those', async () => {
  const property = fc.asyncProperty(keySet, async (keys) => {
    model.entries.clear();
    await putAll(url, keys);
    const own = await Promise.all(
      keys.map(async (each, index) => ((await get(each)) === `v${index}` ? [each] : [])),
    );
    const gettable = own.flat().toSorted();
    expect((await list()).toSorted()).toEqual(gettable);
    expect(keys.filter(canBeNamed).toSorted()).toEqual(gettable);
    const below = gettable.filter((each) => each.startsWith('a:'));
    expect((await list('a')).toSorted()).toEqual(below);
    await clear('a');
    expect(keysIn(model).toSorted()).toEqual(
      keys.filter((each) => !below.includes(each)).toSorted(),
    );
    await clear();
    expect(keysIn(model).toSorted()).toEqual(
      keys.filter((each) => !gettable.includes(each)).toSorted(),
    );
  });
  const { url, model } = await openApp();
  const { list, get, clear } = driverOf(url);
  await fc.assert(property, { numRuns: 60 });
});

test('keys of other dialects stay, over threads and files, with an Idempotency-Key too', async () => {
  const { url } = await openShardedApp();
  const others = ['session/42', 'a\\b', 'a::b', ':a', 'a:', '..', 'a:.:b', '/'];
  const named = ['a:b', 'a:b:c', 'x', '...', 'a:..b', 'q?r', '$'];
  await putAll(url, [...others, ...named]);
  const { list, get, clear } = driverOf(url);
  expect((await list()).toSorted()).toEqual(named.toSorted());
  expect(await Promise.all(named.map(get))).toEqual(
    named.map((_, index) => `v${others.length + index}`),
  );
  const left = async (): Promise<string[]> => {
    const reply = await fetch(`${url}/v1/keys?limit=1000`);
    const { items } = (await reply.json()) as { items: { key: string }[] };
    return items.map((item) => item.key).toSorted();
  };
  await clear('a');
  expect(await left()).toEqual([...others, 'x', '...', 'q?r', '$'].toSorted());
  const headers = { 'idempotency-key': 'clear' };
  for (const replayed of [null, 'true']) {
    const reply = await fetch(`${url}/unstorage/default/:`, { method: 'DELETE', headers });
    expect([reply.status, reply.headers.get('idempotent-replayed')]).toEqual([200, replayed]);
    expect(await left()).toEqual(others.toSorted());
  }
});

test('a clear that ends in the middle says so, and so does one that did nothing', async () => {
  const { url, model } = await openApp();
  const submit = model.submit.bind(model);
  const error = new StoreError('SHARD_UNAVAILABLE', 'It does not serve.', { retryable: true });
  model.submit = (operation) =>
    operation.op === 'delete' && operation.key === 'b'
      ? { kind: 'refused', error }
      : submit(operation);
  await putAll(url, ['a', 'b']);
  const outcomes = ['unknown', 'not-applied'];
  for (const outcome of outcomes) {
    const reply = await fetch(`${url}/unstorage/default/`, { method: 'DELETE' });
    expect([reply.status, await reply.json()]).toMatchObject([503, { retryable: true, outcome }]);
    expect(keysIn(model)).toEqual(['b']);
  }
});

test('a clear that is sent again is answered again, however many keys there are by then', async () => {
  const { url, model, access } = await openApp();
  await makeNamespaces(access, 'other');
  const clearOnce = async (path: string): Promise<number> => {
    const headers = { 'idempotency-key': 'clear' };
    return (await fetch(`${url}/unstorage/${path}/:`, { method: 'DELETE', headers })).status;
  };
  expect(await clearOnce('default')).toBe(200);
  const value = Buffer.from('x');
  for (const namespace of ['default', 'other']) {
    for (let n = 0; n <= 10_000; n++) {
      void model.submit({ op: 'put', namespace, key: `k${n}`, value });
    }
  }
  expect([await clearOnce('default'), await clearOnce('other')]).toEqual([200, 413]);
});
