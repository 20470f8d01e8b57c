// Commands over real threads. Their keys decide the shard, they keep their order, and the read
// cache never answers with an older value.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import {
  CommandRunner,
  type CommandResult,
  type CommandScope,
} from '../../src/http/upstash/command-runner.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { storeOfAnyone } from '../support/stores/store-of-anyone.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';

let folder: TestFolder;
let store: CommandStore;
let scope: CommandScope;
let runner: CommandRunner;

async function open(): Promise<void> {
  store = await openTestStore(folder.path, { shards: 3, clock: systemClock });
  scope = { store: await storeOfAnyone(store), namespace: 'default' };
  runner = new CommandRunner({
    clock: systemClock,
    keyBytesMax: 1024,
    valueBytesMax: 1024 * 1024,
  });
}

beforeAll(async () => {
  folder = await makeTestFolder();
  await open();
});
beforeEach(async () => {
  await run('FLUSHALL');
});
afterAll(async () => {
  await store.close();
  await folder.remove();
});

async function run(...texts: string[]): Promise<unknown[]> {
  return (await runner.run(scope, runner.parse(texts.map((text) => text.split(' '))))).map(plain);
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

test('a command on keys of several shards sees all earlier commands, and no later one', async () => {
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

test('a read after a command never answers an older value', async () => {
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
  expect(store.status().reads.direct).toBeGreaterThan(0);
});

test('a command waits for a transaction on its key', async () => {
  await run('SET a 1');
  const transaction = store.transact([{ namespace: 'default', key: 'a' }], ({ entries }) => ({
    output: entries[0]?.value?.toString(),
    changes: [{ value: Buffer.from('41'), expiresAt: undefined }],
  }));
  const incremented = run('INCR a');
  expect(await transaction).toMatchObject({ kind: 'committed', output: '1' });
  expect(await incremented).toEqual([42]);
});

const pairs = (value: string): string => keys.map((key) => `${key} ${value}`).join(' ');

describe('a write on keys of several shards', () => {
  test('is carried out at one moment, wherever its keys are', async () => {
    expect(await run(`MSET ${pairs('1')}`, `MSETNX new 1 ${pairs('2')}`, 'GET new')).toEqual([
      'OK',
      0,
      null,
    ]);
    expect(await run('RENAME key-0 moved', 'COPY key-1 copied', 'MGET key-0 moved copied')).toEqual(
      ['OK', 1, [null, '1', '1']],
    );
    expect(await run('BITOP OR ored key-2 key-3', 'GET ored')).toEqual([1, '1']);
    expect(await run(`DEL ${keys.join(' ')}`, `EXISTS ${keys.join(' ')}`)).toEqual([29, 0]);
  });

  test('is never seen half by reads of many keys, nor by pages of listings', async () => {
    await run(`MSET ${pairs('0')}`);
    const writes = Array.from({ length: 30 }, (_, index) => run(`MSET ${pairs(String(index))}`));
    const reads = Array.from({ length: 30 }, async () => {
      const [values] = await run(`MGET ${keys.join(' ')}`);
      expect(new Set(values as unknown[]).size).toBe(1);
    });
    await Promise.all([...writes, ...reads]);
  });

  test('is valid for a key that comes twice: the last one counts', async () => {
    expect(await run('MSET key-0 a key-1 b key-0 c', 'MGET key-0 key-1')).toEqual([
      'OK',
      ['c', 'b'],
    ]);
  });
});

async function together(...texts: string[]): Promise<unknown> {
  const parsed = runner.parse(texts.map((text) => text.split(' ')));
  const results = await runner.runAtomically(
    scope,
    parsed.filter((plan) => plan.kind !== 'keyspace'),
  );
  return results instanceof Error ? results : results.map(plain);
}

test('FLUSHDB is one moment, among writes of several keys too, and stays done', async () => {
  const work = Array.from({ length: 40 }, (_, index) =>
    index % 4 === 0 ? run('FLUSHDB') : run(`MSET ${pairs(String(index))}`),
  );
  const reads = Array.from({ length: 40 }, async () => {
    const [values, count] = await run(`MGET ${keys.join(' ')}`, 'DBSIZE');
    expect(new Set(values as unknown[]).size).toBe(1);
    expect([0, keys.length]).toContain(count);
  });
  await Promise.all([...work, ...reads]);
  expect(await run('SET left 1', 'FLUSHALL', 'SET after 1', 'DBSIZE')).toEqual([
    'OK',
    'OK',
    'OK',
    1,
  ]);
  await store.close();
  await open();
  expect(await run('DBSIZE', 'MGET left after')).toEqual([1, [null, '1']]);
});

describe('commands that are one transaction', () => {
  test('each see those before them, and one that fails undoes none of the others', async () => {
    const replies = await together(
      'SET key-1 5',
      'INCRBY key-1 2',
      'SET key-2 word',
      'INCR key-2',
      'ECHO between',
      'RENAME key-1 key-3',
      'MGET key-1 key-2 key-3',
    );
    const notInteger = 'ERR value is not an integer or out of range';
    const expected = ['OK', 7, 'OK', notInteger, 'between', 'OK', [null, 'word', '7']];
    expect(replies).toEqual(expected);
    expect(await run('MGET key-1 key-2 key-3')).toEqual([[null, 'word', '7']]);
  });

  test('lose no update if many run at once, on keys in any order', async () => {
    const increments = Array.from({ length: 100 }, (_, index) => {
      const three = [index, index + 1, index + 2].map((n) => `INCR key-${n % 5}`);
      return together(...(index % 2 === 0 ? three : three.toReversed()));
    });
    await Promise.all(increments);
    const [counts] = await run('MGET key-0 key-1 key-2 key-3 key-4');
    expect(counts).toEqual(['60', '60', '60', '60', '60']);
  });

  test('that go through too many bytes are refused, with nothing done', async () => {
    const size = 1024 * 1024;
    const value = 'x'.repeat(size);
    await run(`SET key-1 ${value}`);
    const reads = Array.from({ length: 300 }, () => 'STRLEN key-1');
    const refused = await together('SET key-2 x', ...reads);
    expect(refused).toMatchObject({ code: 'REQUEST_TOO_LARGE', outcome: 'not-applied' });
    expect(await run('GET key-2')).toEqual([null]);
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

test('all writes are there after a restart', async () => {
  await run('SET a 1 EX 1000', 'INCRBYFLOAT a 0.5', 'SETBIT b 7 1');
  await store.close();
  await open();
  expect(await run('GET a', 'GET b')).toEqual(['1.5', '\u0001']);
  const [ttl] = await run('TTL a');
  expect(ttl).toBeGreaterThan(990);
});
