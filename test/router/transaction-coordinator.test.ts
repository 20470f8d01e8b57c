// Over shards that answer what the test says, when it says so.
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError, type Outcome } from '../../src/base/errors.ts';
import type { ShardResult } from '../../src/protocol/shard-operation.ts';
import { KeyLocks } from '../../src/router/key-locks.ts';
import type { ShardClient } from '../../src/router/shard-client.ts';
import type { Ticket } from '../../src/router/ticket.ts';
import { TransactionCoordinator } from '../../src/router/transaction-coordinator.ts';
import type { EntryName } from '../../src/store/operation.ts';
import type { Result } from '../../src/store/result.ts';
import type { TransactionResult } from '../../src/store/transaction.ts';

class StagedShard {
  readonly shard: number;
  readonly nextSeq: number;
  hasRoomNow = true;
  readonly asked: Ticket[] = [];

  constructor(shard: number) {
    this.shard = shard;
    this.nextSeq = 100 * (shard + 1);
  }

  hasRoom(): boolean {
    return this.hasRoomNow;
  }

  enqueue(ticket: Ticket): void {
    this.asked.push(ticket);
  }

  /** Takes the next that was asked, which must be this. */
  take(op: string): Ticket {
    const ticket = this.asked.shift();
    if (ticket?.operation.op !== op) throw new Error(`${ticket?.operation.op} instead of ${op}`);
    return ticket;
  }
}

const done: ShardResult = { kind: 'done' };
const missing: Result = { kind: 'missing' };

function refused(outcome: Outcome, code: 'DISK_FULL' | 'SHARD_UNAVAILABLE' = 'SHARD_UNAVAILABLE') {
  return { kind: 'refused', error: new StoreError(code, 'no', { outcome }) } as const;
}

/** The first letter of a key says in which it is. */
function shardIn(clients: readonly ShardClient[], key: string): ShardClient {
  const client = clients[Number(key[0])];
  if (client === undefined) throw new Error(`no shard has ${key}`);
  return client;
}

function entryUntil(expiresAt: number): Result {
  return { kind: 'entry', version: 1, expiresAt, size: 0, value: Buffer.alloc(0) };
}

let shards: [StagedShard, StagedShard];
let now: number;
let standing: Map<string, Result>;
let queued: string[];
let underWay: Set<string>;
let coordinator: TransactionCoordinator;

beforeEach(() => {
  shards = [new StagedShard(0), new StagedShard(1)];
  now = 1000;
  standing = new Map();
  queued = [];
  underWay = new Set();
  let ids = 0;
  const clients = shards as unknown as ShardClient[];
  coordinator = new TransactionCoordinator({
    locks: new KeyLocks(),
    shards: clients,
    shardOf: (key) => shardIn(clients, key),
    read: async (names) => names.map(({ key }) => standing.get(key) ?? missing),
    onChangeQueued: ({ key }) => queued.push(key),
    onFlushQueued: () => queued.push('all'),
    stamp: () => now,
    durability: 'written',
    newId: () => `t${ids++}`,
    underWay,
  });
});

const name = (key: string): EntryName => ({ namespace: 'default', key });

/** Puts each key's own name, and tells what was there. */
function putAll(...keys: string[]): Promise<TransactionResult<string[]>> {
  return coordinator.run(
    keys.map(name),
    ({ entries }) => ({
      outcome: entries.map((entry) => entry?.kind ?? 'missing'),
      changes: keys.map((key) => ({ value: Buffer.from(key), expiresAt: undefined })),
    }),
    {},
  );
}

/** Lets everything go on that can: no promise is left to be kept when a turn has ended. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function answerParts(first: ShardResult, second: ShardResult): Promise<void> {
  await settle();
  shards[0].take('change').settle(first);
  shards[1].take('change').settle(second);
  await settle();
}

describe('a transaction in one shard', () => {
  test('is one operation, with the version told beforehand', async () => {
    const result = putAll('0a', '0b');
    await settle();
    const change = shards[0].take('change');
    expect(change.operation).toMatchObject({ version: 100, part: undefined });
    expect(queued).toEqual(['0a', '0b']);
    change.settle(done);
    expect(await result).toMatchObject({ kind: 'committed', durability: 'written' });
    expect(underWay.size + shards[1].asked.length).toBe(0);
  });

  test('that changes nothing asks for nothing', async () => {
    const read = coordinator.run([name('0a'), name('1a')], () => ({ outcome: 1, changes: [] }), {});
    expect(await read).toEqual({ kind: 'committed', outcome: 1, durability: undefined });
    expect([...shards[0].asked, ...shards[1].asked]).toEqual([]);
  });
});

describe('a transaction over two shards', () => {
  test('is decided in one turn when both have their part, and answered without the notes', async () => {
    const result = putAll('0a', '1a');
    await settle();
    const parts = shards.map((shard) => shard.take('change'));
    expect(parts.map(({ operation }) => operation)).toMatchObject([
      { version: 100, part: { transaction: 't0', shards: [0, 1] } },
      { version: 200, part: { transaction: 't0', shards: [0, 1] } },
    ]);
    parts[0]?.settle(done);
    await settle();
    expect(shards[0].asked).toEqual([]);
    expect(queued).toEqual([]);
    parts[1]?.settle(done);
    await settle();
    expect(queued).toEqual(['0a', '1a']);
    expect(await result).toMatchObject({ kind: 'committed', durability: 'synced' });
    const decisions = shards.map((shard) => shard.take('decide'));
    for (const { operation } of decisions) {
      expect(operation).toEqual({ op: 'decide', transaction: 't0', commit: true });
    }
    decisions[0]?.settle(done);
    await settle();
    expect([...underWay]).toEqual(['t0']);
    expect(shards[0].asked).toEqual([]);
    decisions[1]?.settle(done);
    await settle();
    for (const shard of shards) shard.take('settle');
    expect(underWay.size).toBe(0);
  });

  test('keeps its keys until it is decided, and no others', async () => {
    const first = putAll('0a', '1a');
    await settle();
    const part = shards[1].take('change');
    const behind = putAll('1a');
    const beside = putAll('1b');
    await settle();
    expect(shards[1].asked).toHaveLength(1);
    shards[1].take('change').settle(done);
    shards[0].take('change').settle(done);
    expect((await beside).kind).toBe('committed');
    expect(shards[1].asked).toEqual([]);
    part.settle(done);
    expect((await first).kind).toBe('committed');
    await settle();
    // The decision has its place before what waited for the key.
    shards[1].take('decide');
    shards[1].take('change').settle(done);
    expect((await behind).kind).toBe('committed');
  });

  test('is not begun where one of them has no room', async () => {
    shards[1].hasRoomNow = false;
    expect(await putAll('0a', '1a')).toMatchObject({
      kind: 'refused',
      error: { code: 'OVERLOADED', outcome: 'not-applied' },
    });
    expect([...shards[0].asked, ...shards[1].asked]).toEqual([]);
  });

  test('is dropped by all where one refuses its part, which is told at once', async () => {
    const result = putAll('0a', '1a');
    await answerParts(done, refused('not-applied', 'DISK_FULL'));
    expect(await result).toMatchObject({
      kind: 'refused',
      error: { code: 'DISK_FULL', outcome: 'not-applied' },
    });
    for (const shard of shards) {
      expect(shard.take('decide').operation).toMatchObject({ commit: false });
    }
    expect(queued).toEqual([]);
  });
});

describe('where nobody can say whether a shard has its part', () => {
  test('it is not applied once another one has noted that it is dropped', async () => {
    const result = putAll('0a', '1a');
    await answerParts(done, refused('unknown'));
    const first = await Promise.race([result, settle()]);
    expect(first).toBeUndefined();
    shards[0].take('decide').settle(done);
    expect(await result).toMatchObject({ error: { outcome: 'not-applied' } });
  });

  test('it is unknown where that one has to wait for its disk', async () => {
    const result = putAll('0a', '1a');
    await answerParts(done, refused('unknown'));
    shards[0].take('decide').onDelay();
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
  });

  test('it is unknown where that one ends before it has noted it', async () => {
    const result = putAll('0a', '1a');
    await answerParts(done, refused('unknown'));
    shards[0].take('decide').settle(refused('not-applied'));
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
    shards[1].take('decide').settle(done);
    await settle();
    // Its note may be needed: the other has none.
    expect([...underWay]).toEqual(['t0']);
    expect(shards[1].asked).toEqual([]);
  });

  test('it is unknown where it is so of all', async () => {
    const result = putAll('0a', '1a');
    await answerParts(refused('unknown'), refused('unknown'));
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
  });
});

describe('what was read and has a deadline', () => {
  test('is read anew where it passes before the transaction is decided', async () => {
    standing.set('0a', entryUntil(1500));
    void putAll('0a', '1a');
    await settle();
    now = 1500;
    await answerParts(done, done);
    for (const shard of shards) {
      expect(shard.take('decide').operation).toMatchObject({ transaction: 't0', commit: false });
    }
    // Both parts are there: a crash would commit it. Nothing goes on before that is noted somewhere.
    expect(shards[0].asked).toEqual([]);
  });

  test('is missing in the next attempt, which has an id of its own', async () => {
    standing.set('0a', entryUntil(1500));
    const result = putAll('0a', '1a');
    await settle();
    now = 1500;
    await answerParts(done, done);
    shards[0].take('decide').settle(done);
    shards[1].take('decide').settle(done);
    await settle();
    for (const shard of shards) shard.asked.splice(0, shard.asked.length - 1);
    await answerParts(done, done);
    expect(await result).toMatchObject({ outcome: ['missing', 'missing'] });
    for (const shard of shards) {
      expect(shard.take('decide').operation).toMatchObject({ transaction: 't1', commit: true });
    }
  });

  test('goes with the change, for the shard to judge', async () => {
    standing.set('0a', entryUntil(1500));
    const result = putAll('0a');
    await settle();
    const change = shards[0].take('change');
    expect(change.operation).toMatchObject({ validUntil: 1500 });
    now = 1500;
    change.settle({ kind: 'stale' });
    await settle();
    shards[0].take('change').settle(done);
    expect(await result).toMatchObject({ outcome: ['missing'] });
  });
});

test('what is thrown while it is decided ends it, and lets go of the keys', async () => {
  const thrown = coordinator.run(
    [name('0a')],
    () => {
      throw new Error('no');
    },
    {},
  );
  const behind = coordinator.run([name('0a')], () => ({ outcome: 1, changes: [] }), {});
  await expect(thrown).rejects.toThrow('no');
  await expect(behind).resolves.toMatchObject({ kind: 'committed' });
});

test('a flush has a part in every shard, and the cache keeps nothing', async () => {
  const flushed = coordinator.run([], () => ({ outcome: 0, changes: [], flush: ['default'] }), {
    alone: true,
  });
  const behind = putAll('0a');
  await settle();
  expect(shards[0].asked).toHaveLength(1);
  await answerParts(done, done);
  expect((await flushed).kind).toBe('committed');
  expect(queued.slice(0, 2)).toEqual(['all', 'all']);
  await settle();
  for (const shard of shards) shard.take('decide');
  shards[0].take('change').settle(done);
  expect((await behind).kind).toBe('committed');
});
