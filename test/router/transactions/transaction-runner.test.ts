// Runs transactions over staged queues. They answer reads at once, and other operations when the
// test says so.
import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../../src/base/clock.ts';
import { lockWaitersMax } from '../../../src/base/limits.ts';
import type { ShardResult } from '../../../src/protocol/shard-operation.ts';
import { KeyLocks } from '../../../src/router/key-locks.ts';
import { Quotas } from '../../../src/router/quotas/quotas.ts';
import { ReservedWrites } from '../../../src/router/quotas/reserved-writes.ts';
import { Sequencer } from '../../../src/router/sequencer.ts';
import { TransactionRunner } from '../../../src/router/transactions/transaction-runner.ts';
import { TwoPhaseCommit } from '../../../src/router/transactions/two-phase-commit.ts';
import type { Result } from '../../../src/store/result.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import { missing } from '../../support/stores/operations.ts';
import {
  done,
  entry,
  name,
  refused,
  StagedQueue,
  untilIdle,
} from '../../support/simulated/staged-queue.ts';

let queues: [StagedQueue, StagedQueue];
let clock: ManualClock;
let standing: Map<string, Result>;
let inFlight: Set<string>;
let runner: TransactionRunner;

beforeEach(() => {
  queues = [new StagedQueue(0), new StagedQueue(1)];
  clock = new ManualClock(1000);
  standing = new Map();
  for (const queue of queues) {
    queue.answerAtOnce = (operation) =>
      operation.op === 'getAt' ? (standing.get(operation.key) ?? missing) : undefined;
  }
  inFlight = new Set();
  let ids = 0;
  const timestamp = (): number => clock.wallMs();
  const sequencer = new Sequencer(queues, new TimestampClock(clock));
  const newId = (): string => `t${ids++}`;
  runner = new TransactionRunner({
    locks: new KeyLocks(),
    sequencer,
    writes: new ReservedWrites(new Quotas(queues.length), sequencer, timestamp),
    twoPhaseCommit: new TwoPhaseCommit({ sequencer, timestamp, newId, inFlight }),
    timestamp,
    durability: 'written',
  });
});

const asked = (): string[][] =>
  queues.map((queue) => queue.asked.map(({ operation }) => operation.op));

/** Puts each key's own name, and returns the earlier values. */
function putAll(...keys: string[]): Promise<TransactionResult<string[]>> {
  return runner.run(
    keys.map(name),
    ({ entries }) => ({
      output: entries.map((found) => found?.kind ?? 'missing'),
      changes: keys.map((key) => ({ value: Buffer.from(key), expiresAt: undefined })),
    }),
    {},
  );
}

const deleteIt: TransactionPlan<number> = () => ({ output: 1, changes: ['delete'] });
const changeNothing: TransactionPlan<number> = () => ({ output: 1, changes: [] });

async function answerPrepares(first: ShardResult, second: ShardResult): Promise<void> {
  await untilIdle();
  queues[0].take('prepare').complete(first);
  queues[1].take('prepare').complete(second);
  await untilIdle();
}

describe('a transaction in one shard', () => {
  test.each([true, false])('is synced if its caller asks for it: %s', async (synced) => {
    const result = runner.run([name('0b')], deleteIt, { synced });
    await untilIdle();
    const change = queues[0].take('change');
    expect(change.operation).toMatchObject({ synced });
    change.complete(done);
    expect(await result).toMatchObject({ durability: synced ? 'synced' : 'written' });
  });

  test('is one operation, with the version told beforehand', async () => {
    const result = putAll('0b', '0c');
    await untilIdle();
    const change = queues[0].take('change');
    expect(change.operation).toMatchObject({
      version: 100,
      changes: [
        { ...name('0b'), put: { value: Buffer.from('0b') } },
        { ...name('0c'), put: { value: Buffer.from('0c') } },
      ],
    });
    expect(change.operation).not.toHaveProperty('transaction');
    change.complete(done);
    expect(await result).toMatchObject({ kind: 'committed', durability: 'written' });
    expect([asked(), inFlight.size]).toEqual([[[], []], 0]);
  });

  test('that changes nothing asks for nothing', async () => {
    const read = runner.run([name('0b'), name('1b')], changeNothing, {});
    expect(await read).toEqual({ kind: 'committed', output: 1, durability: undefined });
    expect(asked()).toEqual([[], []]);
  });

  test('changes only the entries that the plan names, and deletes if the plan says so', async () => {
    const names = ['0b', '0c', '0f'].map(name);
    void runner.run(names, () => ({ output: 1, changes: [undefined, 'delete'] }), {});
    await untilIdle();
    expect(queues[0].take('change').operation).toMatchObject({
      changes: [{ ...name('0c'), put: undefined }],
    });
  });

  test('is refused if the shard refuses its changes', async () => {
    const result = putAll('0b');
    await untilIdle();
    queues[0].take('change').complete(refused('not-applied', 'DISK_FULL'));
    expect(await result).toMatchObject({ kind: 'refused', error: { code: 'DISK_FULL' } });
  });
});

describe('a transaction over two shards', () => {
  test('is answered as synced once it is committed', async () => {
    const result = putAll('0b', '1b');
    await untilIdle();
    expect(queues.map(({ asked: [first] }) => first?.operation)).toMatchObject([
      { op: 'prepare', version: 100, transaction: 't0', participants: [0, 1] },
      { op: 'prepare', version: 200, transaction: 't0', participants: [0, 1] },
    ]);
    await answerPrepares(done, done);
    expect(await result).toMatchObject({ kind: 'committed', durability: 'synced' });
    expect(asked()).toEqual([['commit'], ['commit']]);
  });

  test('keeps its keys until it is committed, and no others', async () => {
    const first = putAll('0b', '1b');
    await untilIdle();
    const prepare = queues[1].take('prepare');
    const behind = putAll('1b');
    const beside = putAll('1c');
    await untilIdle();
    expect(queues[1].asked).toHaveLength(1);
    queues[1].take('change').complete(done);
    queues[0].take('prepare').complete(done);
    expect((await beside).kind).toBe('committed');
    expect(queues[1].asked).toEqual([]);
    prepare.complete(done);
    expect((await first).kind).toBe('committed');
    await untilIdle();
    // The outcome must be in the queue before an operation that waited for the key.
    queues[1].take('commit');
    queues[1].take('change').complete(done);
    expect((await behind).kind).toBe('committed');
  });

  test('is refused as its participant refuses it, and lets go of the keys', async () => {
    const result = putAll('0b', '1b');
    await answerPrepares(done, refused('not-applied', 'DISK_FULL'));
    expect(await result).toMatchObject({
      kind: 'refused',
      error: { code: 'DISK_FULL', outcome: 'not-applied' },
    });
    const behind = putAll('1b');
    await untilIdle();
    queues[1].take('change').complete(done);
    expect((await behind).kind).toBe('committed');
  });
});

describe('an entry that was read and expires', () => {
  test('before the commit is missing in the next attempt, which has an id of its own', async () => {
    standing.set('0b', entry('x', 1500));
    const result = putAll('0b', '1b');
    await untilIdle();
    clock.advance(500);
    await answerPrepares(done, done);
    for (const queue of queues) {
      const abort = queue.take('abort');
      expect(abort.operation).toMatchObject({ transaction: 't0' });
      // All have prepared, so a crash would commit it. The next attempt must wait for a recorded abort.
      expect(asked().flat()).not.toContain('prepare');
      abort.complete(done);
    }
    await untilIdle();
    for (const queue of queues) queue.take('forget');
    await answerPrepares(done, done);
    expect(await result).toMatchObject({ output: ['missing', 'missing'] });
    for (const queue of queues) {
      expect(queue.take('commit').operation).toMatchObject({ transaction: 't1' });
    }
  });

  test('goes with the changes in one shard, for the shard to judge', async () => {
    standing.set('0b', entry('x', 1500));
    standing.set('0c', entry('x', 1600));
    const result = putAll('0b', '0c');
    await untilIdle();
    const change = queues[0].take('change');
    expect(change.operation).toMatchObject({ validUntil: 1500 });
    clock.advance(500);
    change.complete({ kind: 'stale' });
    await untilIdle();
    queues[0].take('change').complete(done);
    expect(await result).toMatchObject({ output: ['missing', 'entry'] });
  });
});

describe('a transaction ends with nothing changed', () => {
  test('if its plan throws, and lets go of the keys', async () => {
    const thrown = runner.run(
      [name('0b')],
      () => {
        throw new Error('no');
      },
      {},
    );
    const behind = runner.run([name('0b')], changeNothing, {});
    await expect(thrown).rejects.toThrow('no');
    await expect(behind).resolves.toMatchObject({ kind: 'committed' });
  });

  test('if a read is refused', async () => {
    standing.set('1b', refused('not-applied'));
    expect(await putAll('0b', '1b')).toMatchObject({ error: { code: 'SHARD_UNAVAILABLE' } });
    expect(asked()).toEqual([[], []]);
  });

  test('if too many wait for one of its keys', async () => {
    const holder = putAll('0b');
    const waiting = Array.from({ length: lockWaitersMax - 1 }, () =>
      runner.run([name('0b')], changeNothing, {}),
    );
    expect(await putAll('1b', '0b')).toMatchObject({
      kind: 'refused',
      error: { code: 'OVERLOADED', outcome: 'not-applied' },
    });
    await untilIdle();
    queues[0].take('change').complete(done);
    await Promise.all([holder, ...waiting]);
  });
});

test('a flush is prepared in every shard, and keeps all others waiting', async () => {
  const flushed = runner.run([], () => ({ output: 0, changes: [], flush: ['default'] }), {
    alone: true,
  });
  const behind = putAll('0b');
  await untilIdle();
  expect(queues.map(({ asked: [first] }) => first?.operation)).toMatchObject([
    { op: 'prepare', flush: ['default'], changes: [], version: 100 },
    { op: 'prepare', flush: ['default'], changes: [], version: 200 },
  ]);
  expect(queues[0].asked).toHaveLength(1);
  await answerPrepares(done, done);
  expect((await flushed).kind).toBe('committed');
  await untilIdle();
  for (const queue of queues) queue.take('commit');
  queues[0].take('change').complete(done);
  expect((await behind).kind).toBe('committed');
});

test('a flush that is alone in its namespace keeps only operations on that one waiting', async () => {
  const names = [{ namespace: 'other', key: '0b' }];
  const flushed = runner.run(
    names,
    () => ({ output: 0, changes: ['delete'], flush: ['default'] }),
    { alone: ['default'] },
  );
  const behind = putAll('0b');
  const elsewhere = runner.run([{ namespace: 'other', key: '0c' }], deleteIt, {});
  await untilIdle();
  expect(queues.map(({ asked: [first] }) => first?.operation)).toMatchObject([
    { op: 'change', changes: [{ namespace: 'other', key: '0c' }] },
    { op: 'prepare', flush: ['default'], changes: [] },
  ]);
  queues[0].take('change').complete(done);
  expect(await elsewhere).toMatchObject({ kind: 'committed' });
  expect(queues[0].asked[0]?.operation).toMatchObject({ op: 'prepare', changes: names });
  await answerPrepares(done, done);
  expect((await flushed).kind).toBe('committed');
  await untilIdle();
  for (const queue of queues) queue.take('commit');
  queues[0].take('change').complete(done);
  expect((await behind).kind).toBe('committed');
});

test('a transaction that is alone in no namespace waits for none that is', async () => {
  const flush = ['default'];
  const flushed = runner.run([], () => ({ output: 0, changes: [], flush }), { alone: flush });
  const elsewhere = runner.run([{ namespace: 'other', key: '0c' }], deleteIt, { alone: [] });
  await untilIdle();
  expect(asked()).toEqual([['prepare', 'change'], ['prepare']]);
  await answerPrepares(done, done);
  queues[0].take('change').complete(done);
  expect((await flushed).kind).toBe('committed');
  expect((await elsewhere).kind).toBe('committed');
});

test.each([false, ['other']])(
  'a transaction that is alone in %j flushes no other',
  async (alone) => {
    const flushed = runner.run([], () => ({ output: 0, changes: [], flush: ['default'] }), {
      alone,
    });
    await expect(flushed).rejects.toThrow('is alone in the namespaces that it flushes');
    expect(asked()).toEqual([[], []]);
  },
);

test('the figures count what was committed, in one shard and over several, and what was not', async () => {
  await runner.run([name('0b')], changeNothing, {});
  expect(runner.figures).toEqual({ committed: 0, overShards: 0, refused: 0, unknown: 0 });
  const committed = putAll('0b', '1b');
  await answerPrepares(done, done);
  await committed;
  for (const queue of queues) queue.take('commit');
  for (const answer of [done, refused('not-applied'), refused('unknown')]) {
    const result = putAll('0b');
    await untilIdle();
    queues[0].take('change').complete(answer);
    await result;
  }
  expect(runner.figures).toEqual({ committed: 2, overShards: 1, refused: 1, unknown: 1 });
});
