// Shards whose real threads throw, exit, run out of memory or hang, over real files.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { queueWaitMaxMs } from '../../src/base/limits.ts';
import type { Result } from '../../src/store/result.ts';
import { shardOfKey } from '../../src/store/slot.ts';
import type { Store } from '../../src/store/store.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';
import {
  misdeedKey,
  newMisbehavingThread,
  type Misdeed,
} from '../support/faults/misbehaving-thread.ts';

const shards = 2;
const dying = 0;
const namespace = 'default';

let folder: TestFolder;
let store: Store;

beforeEach(async () => {
  folder = await makeTestFolder();
  store = await openTestStore(folder.path, {
    shards,
    clock: systemClock,
    newShardThread: newMisbehavingThread,
  });
});

afterEach(async () => {
  await store.close();
  await folder.remove();
});

function keysOfShard(shard: number, count: number): string[] {
  const keys: string[] = [];
  for (let number = 0; keys.length < count; number++) {
    const key = `key-${number}`;
    if (shardOfKey(key, shards) === shard) keys.push(key);
  }
  return keys;
}

async function put(key: string, value: string): Promise<Result> {
  return await store.submit({ op: 'put', namespace, key, value: Buffer.from(value) });
}

async function get(key: string): Promise<string | undefined> {
  const result = await store.submit({ op: 'get', namespace, key });
  if (result.kind === 'refused') throw result.error;
  return result.kind === 'entry' ? Buffer.from(result.value ?? []).toString() : undefined;
}

function outcomeOf(result: Result): string {
  return result.kind === 'refused' ? result.error.outcome : result.kind;
}

const statusOf = (shard: number) => store.status().shards[shard];

async function untilState(shard: number, state: string, epoch: number): Promise<void> {
  for (;;) {
    const status = statusOf(shard);
    if (status?.state === state && status.epoch >= epoch) return;
    await delay(5);
  }
}

/** A client that writes to a shard, one write after the other, until the test ends it. */
class Neighbour {
  slowestMs = 0;
  readonly results: Result[] = [];
  #isEnding = false;
  readonly #ended: Promise<void>;

  constructor(key: string) {
    this.#ended = this.#run(key);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#ended;
  }

  async #run(key: string): Promise<void> {
    while (!this.#isEnding) {
      const from = performance.now();
      this.results.push(await put(key, String(this.results.length)));
      this.slowestMs = Math.max(this.slowestMs, performance.now() - from);
      await delay(2);
    }
  }
}

/** The router asks a read again after its thread has died. It refuses one that has waited too long. */
async function expectReadAgain(read: Promise<Result>, fromMs: number): Promise<void> {
  const outcome = outcomeOf(await read);
  const isLate = performance.now() - fromMs > queueWaitMaxMs;
  expect(isLate ? ['entry', 'not-applied'] : ['entry']).toContain(outcome);
}

async function expectRecovery(misdeed: Misdeed, when: 'before' | 'after'): Promise<void> {
  const [kept = '', inFlight = ''] = keysOfShard(dying, 2);
  const [beside = ''] = keysOfShard(1, 1);
  await put(kept, 'kept');
  const neighbour = new Neighbour(beside);
  const bad = misdeedKey(misdeed, when, { shard: dying, shards });
  // Queued in one turn, so that they are one batch.
  const writes = [put(inFlight, 'in flight'), put(bad, 'bad')];
  const read = Promise.resolve(store.submit({ op: 'get', namespace, key: kept }));
  const readAgain = expectReadAgain(read, performance.now());
  expect((await Promise.all(writes)).map(outcomeOf)).toEqual(['unknown', 'unknown']);
  await readAgain;
  await untilState(dying, 'serving', 2);
  expect(await get(kept)).toBe('kept');
  expect(await get(inFlight)).toBe(when === 'after' ? 'in flight' : undefined);
  expect(outcomeOf(await put(inFlight, 'again'))).toBe('written');
  await neighbour.end();
  expect(new Set(neighbour.results.map(outcomeOf))).toEqual(new Set(['written']));
  expect(neighbour.slowestMs).toBeLessThan(2000);
  expect(statusOf(1)?.epoch).toBe(1);
}

describe('a thread that goes wrong leaves its writes unknown, comes back, and other shards go on', () => {
  test.each([
    ['throw', 'before'],
    ['throw', 'after'],
    ['exit', 'before'],
    ['exit', 'after'],
    ['run out of memory', 'before'],
    ['run out of memory', 'after'],
  ] as const)('%s, %s the write', async (misdeed, when) => {
    await expectRecovery(misdeed, when);
  });

  test.each(['hang', 'spin'] as const)(
    '%s, once it has been given up',
    { timeout: 60_000 },
    async (misdeed) => {
      await expectRecovery(misdeed, 'after');
    },
  );
});

test('a thread that dies between batches is replaced before a client notices', async () => {
  const [kept = ''] = keysOfShard(dying, 1);
  await put(kept, 'kept');
  const bad = misdeedKey('throw later', 'after', { shard: dying, shards });
  expect(outcomeOf(await put(bad, 'bad'))).toBe('written');
  await untilState(dying, 'serving', 2);
  expect(await get(kept)).toBe('kept');
  expect(await get(bad)).toBe('bad');
});

test('a thread that dies again and again is given up, and the others go on', async () => {
  const [beside = ''] = keysOfShard(1, 1);
  const [kept = ''] = keysOfShard(dying, 1);
  await put(kept, 'kept');
  const bad = misdeedKey('exit', 'before', { shard: dying, shards });
  for (let life = 1; statusOf(dying)?.state !== 'failed'; life++) {
    expect(life).toBeLessThan(10);
    expect(outcomeOf(await put(bad, 'bad'))).toBe('unknown');
    while (statusOf(dying)?.state === 'opening') await delay(5);
  }
  expect(statusOf(dying)?.reason).toMatch(/died again after 5 restarts in a minute/);
  const refused = await put(kept, 'more');
  expect(refused).toMatchObject({ kind: 'refused', error: { code: 'SHARD_UNAVAILABLE' } });
  expect(outcomeOf(refused)).toBe('not-applied');
  expect(outcomeOf(await put(beside, 'beside'))).toBe('written');
  await store.close();
  store = await openTestStore(folder.path, { shards, clock: systemClock });
  expect(await get(kept)).toBe('kept');
});
