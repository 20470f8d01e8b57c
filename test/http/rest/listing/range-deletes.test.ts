import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../../../src/base/byte-string.ts';
import { namespaceDefaults } from '../../../../src/access/namespace-settings.ts';
import { bearer, closedAccess, fullToken } from '../../../support/http/closed-access.ts';
import { openApp } from '../../../support/http/open-app.ts';
import { makeToken } from '../../../support/http/open-roles.ts';
import { openShardedApp } from '../../../support/http/open-sharded-app.ts';
import type { ModelStore } from '../../../support/stores/model-store.ts';

interface Step {
  readonly deleted: number;
  readonly cursor?: string;
}

type Headers = Readonly<Record<string, string>>;

function ask(url: string, query: string, headers: Headers = {}): Promise<Response> {
  return fetch(`${url}/v1/keys?${query}`, { method: 'DELETE', headers });
}

/** Asks again with the cursor until there is none. */
async function deleteAll(url: string, query: string, headers: Headers = {}): Promise<Step[]> {
  const steps: Step[] = [];
  let behind: string | undefined = '';
  while (behind !== undefined) {
    const reply: Response = await ask(url, query + behind, headers);
    if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`);
    const step = (await reply.json()) as Step;
    steps.push(step);
    behind = step.cursor === undefined ? undefined : `&cursor=${step.cursor}`;
  }
  return steps;
}

function fill(model: ModelStore, keys: readonly string[], size = 1, namespace = 'default'): void {
  for (const text of keys) {
    const key = byteStringOfText(text);
    void model.submit({ op: 'put', namespace, key, value: Buffer.alloc(size) });
  }
}

function keysIn(model: ModelStore, namespace = 'default'): string[] {
  const start = `${namespace}\n`;
  const names = model.clientNames.filter((name) => name.startsWith(start));
  return names.map((name) => Buffer.from(name.slice(start.length), 'latin1').toString()).toSorted();
}

const counts = (steps: readonly Step[]): number[] => steps.map(({ deleted }) => deleted);

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(4, '0')}`);

describe('a step', () => {
  test('deletes the keys with the prefix and no others, and says how durably', async () => {
    const { url, model } = await openApp();
    fill(model, ['a', 'b', 'b/1', 'b/2', 'b0', 'ba', 'c']);
    const reply = await ask(url, 'prefix=b/');
    expect([reply.status, await reply.text()]).toEqual([200, '{"deleted":2}']);
    expect(reply.headers.get('holdfast-durability')).toBe('synced');
    expect(keysIn(model)).toEqual(['a', 'b', 'b0', 'ba', 'c']);
  });

  test('that finds nothing deletes nothing, and claims no durability', async () => {
    const { url, model } = await openApp();
    fill(model, ['a']);
    const reply = await ask(url, 'prefix=b');
    expect([reply.status, await reply.text()]).toEqual([200, '{"deleted":0}']);
    expect(reply.headers.has('holdfast-durability')).toBe(false);
    expect(keysIn(model)).toEqual(['a']);
  });

  test('deletes 1,000 keys if no limit is given, and as many as the limit else', async () => {
    const { url, model } = await openApp();
    fill(model, numbered('k', 2001));
    expect(counts(await deleteAll(url, 'prefix=k0'))).toEqual([1000]);
    expect(counts(await deleteAll(url, 'prefix=k1&limit=400'))).toEqual([400, 400, 200]);
    expect(keysIn(model)).toEqual(['k2000']);
  });

  test('deletes fewer large values, and at least one', async () => {
    const mebibyte = 1024 * 1024;
    const { url, model } = await openApp();
    fill(model, ['k1', 'k2', 'k3'], mebibyte / 2);
    fill(model, ['k4', 'k5'], 3 * mebibyte);
    fill(model, ['k6']);
    const steps = await deleteAll(url, 'prefix=k');
    expect(counts(steps)).toEqual([2, 1, 1, 1, 1]);
    expect(keysIn(model)).toEqual([]);
  });

  test('counts no entry that has expired or gone', async () => {
    const { url, model } = await openApp();
    void model.submit({ op: 'put', namespace: 'default', key: 'k1', value: Buffer.from('x'), ttlMs: 5 }); // prettier-ignore
    fill(model, ['k2']);
    model.nowMs += 5;
    expect(await deleteAll(url, 'prefix=k')).toEqual([{ deleted: 1 }]);
  });

  test('is all at one moment, over all shards', async () => {
    const { url } = await openShardedApp();
    const keys = numbered('k', 60);
    const operations = keys.map((key) => ({ op: 'put', key, value: 'x' }));
    const post = async (json: unknown) => {
      const body = JSON.stringify({ operations: json });
      const reply = await fetch(`${url}/v1/batch`, { method: 'POST', body });
      return ((await reply.json()) as { results: { status: number }[] }).results;
    };
    await post(operations);
    const gets = keys.map((key) => ({ op: 'get', key }));
    const reads = Array.from({ length: 10 }, () => post(gets));
    const step = ask(url, 'prefix=k');
    reads.push(...Array.from({ length: 20 }, () => post(gets)));
    expect(await (await step).json()).toEqual({ deleted: 60 });
    const seen = (await Promise.all(reads)).map(
      (results) => new Set(results.map(({ status }) => status)).size,
    );
    expect(seen.filter((count) => count > 1)).toEqual([]);
    const left = new Set((await post(gets)).map(({ status }) => status));
    expect([...left]).toEqual([404]);
  });
});

describe('a bad request', () => {
  test.each([
    ['', 'prefix'],
    ['prefix=', 'prefix'],
    ['limit=10', 'prefix'],
    ['prefix=a&limit=0', 'limit'],
    ['prefix=a&limit=1001', 'limit'],
    ['prefix=a&limit=ten', 'limit'],
    ['prefix=a&cursor=nonsense', 'cursor'],
    ['prefix=a&start=b', 'start'],
    ['prefix=a&end=b', 'end'],
    ['prefix=a&reverse=true', 'reverse'],
    ['prefix=a&include=values', 'include'],
    ['prefix=a&prefix=b', 'prefix'],
  ])('%j is a 400 that names %s, and deletes nothing', async (query, parameter) => {
    const { url, model } = await openApp();
    fill(model, ['a', 'b']);
    const reply = await ask(url, query);
    const body = { code: 'BAD_REQUEST', parameter, outcome: 'not-applied' };
    expect([reply.status, await reply.json()]).toMatchObject([400, body]);
    expect(keysIn(model)).toEqual(['a', 'b']);
  });

  test.each(['If-Match', 'If-None-Match'])('has the condition %s', async (name) => {
    const { url, model } = await openApp();
    fill(model, ['a']);
    const reply = await ask(url, 'prefix=a', { [name]: '"1"' });
    expect([reply.status, await reply.json()]).toMatchObject([400, { parameter: name }]);
    expect(keysIn(model)).toEqual(['a']);
  });

  test('without a prefix is told how to drop the namespace', async () => {
    const { url, access } = await openApp();
    await access.namespaces.put('app', namespaceDefaults);
    const detailOf = async (path: string) => {
      const reply = await fetch(url + path, { method: 'DELETE' });
      return ((await reply.json()) as { detail: string }).detail;
    };
    const app = 'DELETE /v1/admin/namespaces/app drops it';
    expect(await detailOf('/ns/app/v1/keys')).toContain(app);
    expect(await detailOf('/v1/keys')).toContain('DELETE /v1/admin/namespaces/default is refused');
  });

  test('has a cursor of another query', async () => {
    const { url, model } = await openApp();
    fill(model, numbered('k', 4));
    const { cursor } = (await (await ask(url, 'prefix=k&limit=1')).json()) as Step;
    for (const query of ['prefix=k', 'prefix=k0&limit=1', 'prefix=k&limit=2']) {
      expect((await ask(url, `${query}&cursor=${cursor}`)).status).toBe(400);
    }
    expect(keysIn(model)).toHaveLength(3);
  });
});

describe('an Idempotency-Key', () => {
  test('carries out a step once', async () => {
    const { url, model } = await openApp();
    fill(model, numbered('k', 5));
    const headers = { 'idempotency-key': '"one"' };
    const query = 'prefix=k&limit=2';
    const first = await ask(url, query, headers);
    const text = await first.text();
    expect(JSON.parse(text)).toEqual({ deleted: 2, cursor: expect.any(String) as string });
    fill(model, ['k0000']);
    const again = await ask(url, query, headers);
    expect([await again.text(), again.headers.get('idempotent-replayed')]).toEqual([text, 'true']);
    expect(again.headers.get('holdfast-durability')).toBe('synced');
    expect(keysIn(model)).toEqual(['k0000', 'k0002', 'k0003', 'k0004']);
  });

  test('of another step is refused, as with any other query', async () => {
    const { url, model } = await openApp();
    fill(model, numbered('k', 5));
    const headers = { 'idempotency-key': '"one"' };
    const { cursor } = (await (await ask(url, 'prefix=k&limit=2', headers)).json()) as Step;
    const other = await ask(url, `prefix=k&limit=2&cursor=${cursor}`, headers);
    expect([other.status, keysIn(model).length]).toEqual([422, 3]);
  });

  test('keeps the answer of a step that found nothing', async () => {
    const { url, model } = await openApp();
    const headers = { 'idempotency-key': '"one"' };
    expect(await (await ask(url, 'prefix=k', headers)).json()).toEqual({ deleted: 0 });
    fill(model, ['k']);
    expect(await (await ask(url, 'prefix=k', headers)).json()).toEqual({ deleted: 0 });
    expect(keysIn(model)).toEqual(['k']);
  });
});

const letters = fc.string({
  unit: fc.constantFrom('a', 'b', 'é', '😀', '%'),
  minLength: 1,
  maxLength: 4,
});

test('repeated steps delete exactly the keys with the prefix that the caller may write', async () => {
  const { url, model, access } = await openApp({ access: closedAccess() });
  await access.namespaces.put('own', namespaceDefaults);
  await access.namespaces.put('other', namespaceDefaults);
  let users = 0;
  const prefixesOfGrant = fc.option(fc.uniqueArray(letters, { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  });
  const asked = fc.record({
    keys: fc.uniqueArray(letters, { maxLength: 40 }),
    prefix: letters,
    limit: fc.integer({ min: 1, max: 7 }),
    granted: prefixesOfGrant,
  });
  const property = fc.asyncProperty(asked, async ({ keys, prefix, limit, granted }) => {
    for (const name of model.clientNames) model.entries.delete(name);
    fill(model, keys, 1, 'own');
    fill(model, keys, 1, 'other');
    const bound = granted === undefined ? {} : { prefixes: granted };
    const grants = [{ namespace: 'own', role: 'write', ...bound }] as const;
    const { token } = await makeToken(access, `user-${(users += 1)}`, grants);
    const query = `prefix=${encodeURIComponent(prefix)}&limit=${limit}`;
    const steps = await deleteAll(url, query, bearer(token));
    const mayWrite = (key: string) =>
      granted === undefined || granted.some((each) => key.startsWith(each));
    const stays = keys.filter((key) => !key.startsWith(prefix) || !mayWrite(key));
    if (keysIn(model, 'own').join() !== stays.toSorted().join()) throw new Error('others went');
    if (keysIn(model, 'other').length !== keys.length) throw new Error('another namespace');
    const sum = steps.reduce((deleted, step) => deleted + step.deleted, 0);
    if (sum !== keys.length - stays.length) throw new Error(`counted ${sum}`);
    if (steps.some(({ deleted }) => deleted > limit)) throw new Error('a step past its limit');
  });
  await fc.assert(property, { numRuns: 60 });
  expect(users).toBeGreaterThanOrEqual(60);
});

test('each step is judged by itself', async () => {
  const { url, model, access } = await openApp({ access: closedAccess() });
  await access.namespaces.put('own', namespaceDefaults);
  fill(model, numbered('k', 4), 1, 'own');
  const { id, token } = await makeToken(access, 'ann', [{ namespace: 'own', role: 'write' }]);
  const first = await ask(url, 'prefix=k&limit=2', bearer(token));
  const { cursor } = (await first.json()) as Step;
  await access.administration.deleteToken('ann', id);
  const second = await ask(url, `prefix=k&limit=2&cursor=${cursor}`, bearer(token));
  expect([second.status, keysIn(model, 'own')]).toEqual([401, ['k0002', 'k0003']]);
  const foreign = await fetch(`${url}/ns/none/v1/keys?prefix=k`, {
    method: 'DELETE',
    headers: bearer(fullToken),
  });
  expect(await foreign.json()).toMatchObject({ code: 'NAMESPACE_NOT_FOUND' });
});
