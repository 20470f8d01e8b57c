// Commands over real threads: routed by their keys, in order, and never outrun by the read cache.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { CommandRunner, type CommandResult } from '../../src/http/upstash/command-runner.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { makeTestFolder, openTestStore, type TestFolder } from '../support/embedded-store.ts';
import { get } from '../support/store-contract.ts';

let folder: TestFolder;
let store: CommandStore;
let runner: CommandRunner;

async function open(): Promise<void> {
  store = await openTestStore(folder.path, { shards: 3, clock: systemClock });
  runner = new CommandRunner({
    store,
    namespace: 'default',
    clock: systemClock,
    keyBytesMax: 1024,
    valueBytesMax: 1024 * 1024,
  });
}

beforeEach(async () => {
  folder = await makeTestFolder();
  await open();
});
afterEach(async () => {
  await store.close();
  await folder.remove();
});

async function run(...texts: string[]): Promise<unknown[]> {
  return (await runner.run(texts.map((text) => text.split(' ')))).map(plain);
}

function plain(result: CommandResult): unknown {
  if (!('kind' in result)) return result;
  if (result.kind === 'array') return result.items?.map(plain);
  if (result.kind === 'error') return result.message;
  return result.kind === 'status' ? result.text : result.value;
}

const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);

test('a pipeline is carried out in order, key by key', async () => {
  const commands = keys.flatMap((key) => [`SET ${key} 1`, `INCR ${key}`, `GET ${key}`]);
  const expected = keys.flatMap(() => ['OK', 2, '2']);
  expect(await run(...commands)).toEqual(expected);
});

test('a command on keys of several shards sees what came before it, and nothing that came after', async () => {
  await run(...keys.map((key) => `SET ${key} old`));
  const results = await run(
    ...keys.map((key) => `SET ${key} new`),
    `MGET ${keys.join(' ')}`,
    ...keys.map((key) => `SET ${key} newer`),
    'DBSIZE',
  );
  expect(results[keys.length]).toEqual(keys.map(() => 'new'));
  expect(results.at(-1)).toBe(keys.length);
});

test('what is read is never older than what was written by a command', async () => {
  for (let value = 0; value < 200; value++) {
    const written = run(`SET a ${value}`);
    const read = run('GET a');
    // oxlint-disable-next-line no-await-in-loop -- each round begins with the last one's value cached
    await written;
    // oxlint-disable-next-line no-await-in-loop
    expect(await read).toEqual([String(value)]);
    // oxlint-disable-next-line no-await-in-loop
    expect(await run('GET a', `APPEND a !`, 'GET a')).toEqual([
      String(value),
      String(value).length + 1,
      `${value}!`,
    ]);
  }
  expect(store.status().cache.hits).toBeGreaterThan(0);
});

test('who holds the lock of a key is waited for', async () => {
  await run('SET a 1');
  const seen: unknown[] = [];
  await store.exclusive([{ namespace: 'default', key: 'a' }], async (session) => {
    void run('INCR a').then((results) => seen.push(results));
    await session.submit(get('a'));
    expect(seen).toEqual([]);
  });
  expect(await run('GET a')).toEqual(['2']);
  expect(seen).toEqual([[2]]);
});

describe('a write on keys of several shards', () => {
  test('is refused as long as there are no transactions, and changes nothing', async () => {
    const [result] = await run(`MSET ${keys.map((key) => `${key} 1`).join(' ')}`);
    expect(result).toMatch(/^ERR the keys are in several shards/);
    expect(await run('DBSIZE')).toEqual([0]);
  });

  test('is carried out where a hash tag keeps the keys together', async () => {
    expect(await run('MSET {t}a 1 {t}b 2', 'RENAME {t}a {t}c', 'MGET {t}a {t}b {t}c')).toEqual([
      'OK',
      'OK',
      [null, '2', '1'],
    ]);
  });
});

test('all keys are found by SCAN, once each, whatever the shards', async () => {
  const many = Array.from({ length: 2500 }, (_, index) => `scan-${index}`);
  await run(...many.map((key) => `SET ${key} x`), 'SET other x');
  const found: string[] = [];
  let cursor: unknown = '0';
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
    const [page] = await run(`SCAN ${String(cursor)} MATCH scan-* COUNT 100`);
    const [next, some] = page as [unknown, string[]];
    found.push(...some);
    cursor = next;
  } while (cursor !== '0');
  expect(found.toSorted()).toEqual(many.toSorted());
});

test('what was written is there after a restart', async () => {
  await run('SET a 1 EX 1000', 'INCRBYFLOAT a 0.5', 'SETBIT b 7 1');
  await store.close();
  await open();
  expect(await run('GET a', 'GET b')).toEqual(['1.5', '\u0001']);
  const [ttl] = await run('TTL a');
  expect(ttl).toBeGreaterThan(990);
});
