// The stock client `@upstash/redis`, unchanged, against the compiled server over a socket.
import { runInNewContext } from 'node:vm';
import { Redis } from '@upstash/redis';
import { Keyv } from 'keyv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { readDocument } from '../support/documents/document.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ServerProcess,
} from '../support/processes/server-process.ts';
import { UpstashKeyvStore } from '../support/http/upstash-keyv-store.ts';

let folder: string;
let server: ServerProcess;
let redis: Redis;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  server = await startServer(folder, ['--shards', '3']);
  redis = newClient();
});

afterAll(async () => {
  await server.program.end();
  await removeFolder(folder);
});

interface ClientOptions {
  readonly automaticDeserialization?: boolean;
  readonly enableAutoPipelining?: boolean;
}

function newClient(options: ClientOptions = {}): Redis {
  const url = `${server.url}/upstash`;
  return new Redis({ url, token: 'any', enableTelemetry: false, ...options });
}

test('a client whose address has no path works with upstashAtRoot', async () => {
  const other = await makeTemporaryFolder();
  const { program, url } = await startServer(other, ['--shards', '2', '--upstash-at-root', 'true']);
  try {
    const client = new Redis({ url, token: 'any', enableTelemetry: false });
    expect(await client.set('object', { list: [1] })).toBe('OK');
    expect(await client.get('object')).toEqual({ list: [1] });
    expect(await client.pipeline().incr('n').incr('n').exec()).toEqual([1, 2]);
    expect(await client.multi().set('to', '1').decr('n').exec()).toEqual(['OK', 1]);
    const together = new Redis({
      url,
      token: 'any',
      enableTelemetry: false,
      enableAutoPipelining: true,
    });
    expect(await Promise.all([together.get('n'), together.get('to')])).toEqual([1, 1]);
    const byPath = new Redis({ url: `${url}/upstash`, token: 'any', enableTelemetry: false });
    expect(await byPath.get('object')).toEqual({ list: [1] });
    expect(await (await fetch(`${url}/v1/keys/to`)).text()).toBe('1');
  } finally {
    await program.end();
    await removeFolder(other);
  }
});

describe('single commands', () => {
  test('strings, numbers and objects come back as they went', async () => {
    expect(await redis.set('text', 'é漢 "quoted"\n')).toBe('OK');
    expect(await redis.get('text')).toBe('é漢 "quoted"\n');
    await redis.set('object', { list: [1, 2, { deep: null }] });
    expect(await redis.get('object')).toEqual({ list: [1, 2, { deep: null }] });
    await redis.set('number', 42);
    expect(await redis.get('number')).toBe(42);
    expect(await redis.get('none')).toBeNull();
  });

  test('counters are exact beyond 2^53', async () => {
    await redis.set('count', '9007199254740993');
    const raw = newClient({ automaticDeserialization: false });
    await raw.incr('count');
    expect(await raw.get('count')).toBe('9007199254740994');
    expect(await redis.incrbyfloat('float', 0.1)).toBe(0.1);
    expect(await redis.incrbyfloat('float', 0.2)).toBe(0.3);
  });

  test('options of SET do what Redis says', async () => {
    expect(await redis.set('lock', 'me', { nx: true, ex: 100 })).toBe('OK');
    expect(await redis.set('lock', 'you', { nx: true, ex: 100 })).toBeNull();
    expect(await redis.ttl('lock')).toBeGreaterThan(95);
    expect(await redis.set('lock', 'us', { xx: true, keepTtl: true, get: true })).toBe('me');
    expect(await redis.ttl('lock')).toBeGreaterThan(95);
    expect(await redis.persist('lock')).toBe(1);
    expect(await redis.ttl('lock')).toBe(-1);
    expect(await redis.exec(['SET', 'lock', 'new', 'IFEQ', 'us'])).toBe('OK');
  });

  test('ranges, bits and the rest of the strings', async () => {
    await redis.set('s', 'Hello World');
    expect(await redis.getrange('s', -5, -1)).toBe('World');
    expect(await redis.setrange('s', 6, 'Redis')).toBe(11);
    expect(await redis.append('s', '!')).toBe(12);
    expect(await redis.strlen('s')).toBe(12);
    expect(await redis.setbit('bits', 7, 1)).toBe(0);
    expect(await redis.bitcount('bits', 0, -1)).toBe(1);
    expect(await redis.getdel('s')).toBe('Hello Redis!');
    expect(await redis.exists('s', 'bits')).toBe(1);
    expect(await redis.type('bits')).toBe('string');
  });

  test('fields of integers, and what two values have in common', async () => {
    // In its mode of automatic pipelines, the client's bitfield() alone has no methods.
    const client = newClient({ enableAutoPipelining: false });
    const fields = client.bitfield('fields').set('u8', '#1', 200).overflow('FAIL');
    const replies = await fields.incrby('u8', '#1', 100).incrby('i5', 0, -3).get('u16', 0).exec();
    expect(replies).toEqual([0, null, -3, 0xe8c8]);
    const piped = client.pipeline();
    piped.bitfield('fields').get('i8', 0).exec();
    expect(await piped.exec()).toEqual([[-24]]);
    await redis.mset({ ours: 'ohmytext', theirs: 'mynewtext' });
    expect(await redis.exec(['LCS', 'ours', 'theirs'])).toBe('mytext');
    const indexes = [
      [
        [4, 7],
        [5, 8],
      ],
    ];
    expect(await redis.exec(['LCS', 'ours', 'theirs', 'IDX', 'MINMATCHLEN', 4])).toEqual([
      'matches',
      indexes,
      'len',
      6,
    ]);
  });

  test('an error of Redis is an error of the client', async () => {
    await redis.set('word', 'x');
    await expect(redis.incr('word')).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(redis.exec(['nonsense'])).rejects.toThrow("ERR unknown command 'nonsense'");
  });
});

describe('many commands', () => {
  test('that are asked for in one turn share a request', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `auto-${index}`);
    await Promise.all(keys.map((key, index) => redis.set(key, index)));
    const read = await Promise.all(keys.map((key) => redis.get(key)));
    expect(read).toEqual(keys.map((_, index) => index));
    expect(await redis.mget(...keys)).toEqual(read);
  });

  test('of a pipeline come in order', async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 500; i++) pipeline.incr(`p-${i % 7}`);
    const counts = await pipeline.exec<number[]>();
    expect(counts).toEqual(Array.from({ length: 500 }, (_, i) => Math.floor(i / 7) + 1));
  });

  test('are found by SCAN and KEYS', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `scanned:${index}`);
    await Promise.all(names.map((key) => redis.set(key, 'x')));
    const found: string[] = [];
    let cursor = '0';
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const [next, keys] = await redis.scan(cursor, { match: 'scanned:*', count: 7 });
      found.push(...keys);
      cursor = next;
    } while (cursor !== '0');
    expect(found.toSorted()).toEqual(names.toSorted());
    expect((await redis.keys('scanned:1?')).toSorted()).toEqual(
      names.filter((name) => /:1.$/.test(name)).toSorted(),
    );
  });
});

describe('transactions', () => {
  test('of multi() are carried out at one moment, over any keys', async () => {
    const results = await redis
      .multi()
      .set('from', 10)
      .decrby('from', 3)
      .incrby('to', 3)
      .mget('from', 'to')
      .exec();
    expect(results).toEqual(['OK', 7, 3, [7, 3]]);
  });

  test('that cannot be carried out are an error of the client, and change nothing', async () => {
    const discarded = redis.multi().set('never', 1).dbsize().exec();
    await expect(discarded).rejects.toThrow('EXECABORT');
    expect(await redis.get('never')).toBeNull();
  });

  test('carry out a command on several keys, in any shards', async () => {
    const values = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`m-${n}`, n]));
    expect(await redis.mset(values)).toBe('OK');
    expect(await redis.msetnx({ 'm-new': 1, 'm-3': 1 })).toBe(0);
    expect(await redis.rename('m-1', 'm-moved')).toBe('OK');
    expect(await redis.copy('m-2', 'm-copied')).toBe('COPIED');
    expect(await redis.mget('m-1', 'm-moved', 'm-copied', 'm-new')).toEqual([null, 1, 2, null]);
    expect(await redis.del(...Object.keys(values))).toBe(19);
  });
});

test('REST reads the writes of the client, and the client reads those of REST', async () => {
  await redis.set('shared', 'from redis');
  const reply = await fetch(`${server.url}/v1/keys/shared`);
  expect(await reply.text()).toBe('from redis');
  await fetch(`${server.url}/v1/keys/shared`, { method: 'PUT', body: 'from REST' });
  expect(await redis.get('shared')).toBe('from REST');
});

/** The code that the manual shows. */
function keyvOfManual(): Keyv {
  const programs = readDocument('docs/clients.md').blocks.map(({ lines }) => lines.join('\n'));
  const program = programs.find((one) => one.includes('new Keyv(')) ?? '';
  const code = program
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(`http://127.0.0.1:${defaultSettings().port}`, server.url);
  const globals = { Redis, Keyv };
  return runInNewContext(`(() => {${code}; return keyv;})()`, globals) as Keyv;
}

function keyvOfStore(namespace = 'app'): Keyv {
  const client = newClient({ automaticDeserialization: false });
  return new Keyv({ store: new UpstashKeyvStore(client), namespace });
}

describe.each([
  ['the lines in the manual', keyvOfManual],
  ['a store for any namespace', keyvOfStore],
])('Keyv over %s', (_name, makeKeyv) => {
  test('reads, writes and deletes', async () => {
    const keyv = makeKeyv();
    await keyv.set('a', { x: 1 });
    await keyv.set('short', 'gone', 50);
    expect(await keyv.get('a')).toEqual({ x: 1 });
    expect(await keyv.has('a')).toBe(true);
    expect(await keyv.get(['a', 'none'])).toEqual([{ x: 1 }, undefined]);
    expect(await keyv.delete('a')).toBe(true);
    expect(await keyv.delete('a')).toBe(false);
    expect(await keyv.get('a')).toBeUndefined();
    await expect.poll(() => keyv.get('short'), { timeout: 5000 }).toBeUndefined();
  });

  test('takes times to live with a fraction, and infinite ones', async () => {
    const keyv = makeKeyv();
    for (const [ttl, least, most] of [
      [100_000 / 3, 30_000, 33_334],
      [60_000.5, 50_000, 60_001],
      [Infinity, -1, -1],
      [undefined, -1, -1],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, under one key
      expect([ttl, await keyv.set('a', 'x', ttl)]).toEqual([ttl, true]);
      // oxlint-disable-next-line no-await-in-loop
      const left = await redis.pttl('app:a');
      expect([ttl, left >= Number(least) && left <= Number(most)]).toEqual([ttl, true]);
    }
  });

  test('clears its own keys', async () => {
    const keyv = makeKeyv();
    await Promise.all([redis.set('apple', 'stays'), keyv.set('a', 1), keyv.set('b', 2)]);
    await keyv.clear();
    expect(await redis.keys('app*')).toEqual(['apple']);
  });
});

test('the lines in the manual let Keyv clear more keys than KEYS gives', async () => {
  const count = 100_001;
  for (let from = 0; from < count; from += 10_000) {
    const operations = Array.from({ length: Math.min(10_000, count - from) }, (_, n) => {
      return { op: 'put', key: `app:${from + n}`, value: 'x' };
    });
    const body = JSON.stringify({ operations });
    // oxlint-disable-next-line no-await-in-loop -- one batch after the other
    const reply = await fetch(`${server.url}/v1/batch`, { method: 'POST', body });
    // oxlint-disable-next-line no-await-in-loop
    expect([reply.status, (await reply.text()).length > 0]).toEqual([200, true]);
  }
  await expect(redis.keys('app:*')).rejects.toThrow('ERR');
  await keyvOfManual().clear();
  expect(await redis.keys('app:*')).toEqual([]);
}, 60_000);

test('Keyv takes a namespace literally, and not for a pattern', async () => {
  const [pattern, other] = [keyvOfStore('a*[b]'), keyvOfStore('ab')];
  await Promise.all([pattern.set('x', 1), other.set('x', 2)]);
  await pattern.clear();
  expect([await pattern.get('x'), await other.get('x')]).toEqual([undefined, 2]);
});
