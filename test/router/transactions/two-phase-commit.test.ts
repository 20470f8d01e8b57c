// Runs two-phase commits over staged queues, which answer when the test says so.
import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../../src/base/clock.ts';
import type { ShardResult } from '../../../src/protocol/shard-operation.ts';
import { nothingReserved } from '../../../src/router/quotas/reserved-writes.ts';
import { Sequencer, type ChangesOfShard } from '../../../src/router/sequencer.ts';
import { stale, TwoPhaseCommit } from '../../../src/router/transactions/two-phase-commit.ts';
import type { RefusedResult } from '../../../src/store/result.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import {
  done,
  name,
  refused,
  StagedQueue,
  untilIdle,
} from '../../support/simulated/staged-queue.ts';

type Committed = Promise<RefusedResult | typeof stale | undefined>;

const validUntil = 1500;

let queues: [StagedQueue, StagedQueue, StagedQueue];
let clock: ManualClock;
let inFlight: Set<string>;
let changes: readonly ChangesOfShard[];
let twoPhaseCommit: TwoPhaseCommit;

beforeEach(() => {
  queues = [new StagedQueue(0), new StagedQueue(1), new StagedQueue(2)];
  clock = new ManualClock(1000);
  inFlight = new Set();
  let ids = 0;
  twoPhaseCommit = new TwoPhaseCommit({
    sequencer: new Sequencer(queues, new TimestampClock(clock)),
    timestamp: () => clock.wallMs(),
    newId: () => `t${ids++}`,
    inFlight,
  });
  changes = queues.map((queue) => {
    const put = { value: Buffer.alloc(100), expiresAt: undefined };
    const ofShard = [{ ...name(`${queue.shard}b`), put }];
    return { queue, version: queue.nextSeq, flush: [], changes: ofShard };
  });
});

/**
 * Runs a transaction over as many shards as there are answers. Each shard gives its answer to the
 * prepare.
 */
async function runUntilPrepared(
  ...answers: readonly ShardResult[]
): Promise<{ readonly result: Committed }> {
  const result = twoPhaseCommit.run(changes.slice(0, answers.length), validUntil, nothingReserved);
  for (const [index, answer] of answers.entries()) queues[index]?.take('prepare').complete(answer);
  await untilIdle();
  // The object keeps `await` from waiting for the result.
  return { result };
}

/** The names of the operations in each queue that the test has not taken. */
const asked = (): string[][] =>
  queues.map((queue) => queue.asked.map(({ operation }) => operation.op));

const isPending = async (result: Committed | undefined): Promise<boolean> =>
  (await Promise.race([result?.then(() => 'ended'), untilIdle()])) === undefined;

describe('a transaction over several shards', () => {
  test('is prepared by all participants, with all that they need to resolve it alone', async () => {
    void twoPhaseCommit.run(changes, validUntil, nothingReserved);
    expect(queues.map((queue) => queue.take('prepare').operation)).toEqual(
      changes.map(({ version, flush, changes: ofShard }) => ({
        op: 'prepare',
        transaction: 't0',
        participants: [0, 1, 2],
        version,
        validUntil,
        flush,
        changes: ofShard,
      })),
    );
    expect([...inFlight]).toEqual(['t0']);
  });

  test('is committed in one turn once all have prepared, before any has recorded it', async () => {
    const result = twoPhaseCommit.run(changes, validUntil, nothingReserved);
    const prepares = queues.map((queue) => queue.take('prepare'));
    for (const prepare of prepares) {
      expect(await isPending(result)).toBe(true);
      expect(asked()).toEqual([[], [], []]);
      prepare.complete(done);
    }
    expect(await result).toBeUndefined();
    expect(asked()).toEqual([['commit'], ['commit'], ['commit']]);
  });

  test('is forgotten by all participants once the last one has recorded the outcome', async () => {
    const { result } = await runUntilPrepared(done, done, done);
    expect(await result).toBeUndefined();
    for (const queue of queues) {
      expect([...inFlight]).toEqual(['t0']);
      expect(asked().flat()).not.toContain('forget');
      const commit = queue.take('commit');
      expect(commit.operation).toEqual({ op: 'commit', transaction: 't0' });
      commit.complete(done);
      await untilIdle();
    }
    expect([...inFlight]).toEqual([]);
    for (const queue of queues) {
      expect(queue.take('forget').operation).toEqual({ op: 'forget', transaction: 't0' });
    }
  });

  test('stays in flight if a participant has ended before it recorded the commit', async () => {
    await runUntilPrepared(done, done);
    queues[0].take('commit').complete(refused('not-applied'));
    queues[1].take('commit').complete(done);
    await untilIdle();
    // The other participant may still need this one's record of the commit.
    expect([...inFlight]).toEqual(['t0']);
    expect(asked()).toEqual([[], [], []]);
  });

  test('is not begun if one participant has no room for its changes', async () => {
    queues[1].room = 99;
    expect(await twoPhaseCommit.run(changes, validUntil, nothingReserved)).toMatchObject({
      kind: 'refused',
      error: { code: 'OVERLOADED', outcome: 'not-applied', retryable: true },
    });
    expect(asked()).toEqual([[], [], []]);
    expect(inFlight.size).toBe(0);
  });

  test('has an id of its own in each run', async () => {
    await runUntilPrepared(done, done);
    for (const queue of queues) queue.asked.length = 0;
    await runUntilPrepared(done, done);
    expect(queues[0].take('commit').operation).toMatchObject({ transaction: 't1' });
  });
});

describe('a transaction that one participant refuses', () => {
  test('is not applied, and its caller hears so at once with the reason', async () => {
    const { result } = await runUntilPrepared(done, refused('not-applied', 'DISK_FULL'));
    expect(await result).toMatchObject({
      kind: 'refused',
      error: { code: 'DISK_FULL', outcome: 'not-applied' },
    });
    expect(queues[0].take('abort').operation).toEqual({ op: 'abort', transaction: 't0' });
  });

  test('is aborted and forgotten by those that have prepared it, and by no other', async () => {
    await runUntilPrepared(done, refused('not-applied'), done);
    expect(asked()).toEqual([['abort'], [], ['abort']]);
    queues[2].take('abort').complete(done);
    await untilIdle();
    expect([...inFlight]).toEqual(['t0']);
    expect(asked()).toEqual([['abort'], [], []]);
    queues[0].take('abort').complete(done);
    await untilIdle();
    expect([...inFlight]).toEqual([]);
    expect(asked()).toEqual([['forget'], [], ['forget']]);
  });

  test('is aborted by those that may have prepared it, too', async () => {
    const { result } = await runUntilPrepared(
      refused('unknown'),
      refused('not-applied', 'DISK_FULL'),
      done,
    );
    // One participant certainly lacks it, so no start can commit it.
    expect(await result).toMatchObject({ error: { code: 'DISK_FULL', outcome: 'not-applied' } });
    expect(asked()).toEqual([['abort'], [], ['abort']]);
    queues[2].take('abort').complete(done);
    await untilIdle();
    expect([...inFlight]).toEqual(['t0']);
    queues[0].take('abort').complete(done);
    await untilIdle();
    expect([...inFlight]).toEqual([]);
    expect(asked()).toEqual([['forget'], [], ['forget']]);
  });

  test('stays in flight if one that has prepared it ends before it recorded the abort', async () => {
    await runUntilPrepared(done, refused('not-applied'), done);
    queues[0].take('abort').complete(refused('not-applied'));
    queues[2].take('abort').complete(done);
    await untilIdle();
    expect([...inFlight]).toEqual(['t0']);
    expect(asked()).toEqual([[], [], []]);
  });

  test('needs no abort and is not in flight if none has prepared it', async () => {
    const lacking = [{ kind: 'stale' }, refused('not-applied', 'DISK_FULL')] as const;
    const { result } = await runUntilPrepared(...lacking, refused('not-applied'));
    expect(await result).toMatchObject({ error: { code: 'DISK_FULL', outcome: 'not-applied' } });
    expect(asked()).toEqual([[], [], []]);
    expect([...inFlight]).toEqual([]);
  });
});

describe('if it is unknown whether a participant has prepared', () => {
  test('the transaction is not applied once another one has recorded the abort', async () => {
    const { result } = await runUntilPrepared(done, refused('unknown'));
    expect(asked()).toEqual([['abort'], ['abort'], []]);
    // This participant may not have prepared. Then it had nothing to abort, and has recorded nothing.
    queues[1].take('abort').complete(done);
    expect(await isPending(result)).toBe(true);
    queues[0].take('abort').complete(done);
    expect(await result).toMatchObject({ error: { outcome: 'not-applied' } });
  });

  test('the outcome is unknown if that one has to recover first', async () => {
    const { result } = await runUntilPrepared(done, refused('unknown'));
    queues[0].take('abort').onDelay();
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
  });

  test('the outcome is unknown if that one ends before it recorded the abort', async () => {
    const { result } = await runUntilPrepared(done, refused('unknown'));
    queues[0].take('abort').complete(refused('not-applied'));
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
    queues[1].take('abort').complete(done);
    await untilIdle();
    // The other participant has no record, so it may need this one's.
    expect([...inFlight]).toEqual(['t0']);
    expect(asked()).toEqual([[], [], []]);
  });

  test('one of several that have prepared is enough to record the abort', async () => {
    const { result } = await runUntilPrepared(done, refused('unknown'), done);
    queues[0].take('abort').onDelay();
    expect(await isPending(result)).toBe(true);
    queues[2].take('abort').complete(done);
    expect(await result).toMatchObject({ error: { outcome: 'not-applied' } });
  });

  test('the outcome is unknown if every participant is unknown', async () => {
    const { result } = await runUntilPrepared(refused('unknown'), refused('unknown'));
    expect(await result).toMatchObject({ error: { outcome: 'unknown' } });
    expect(asked()).toEqual([['abort'], ['abort'], []]);
  });
});

describe('if an entry that was read expires', () => {
  test('before the commit, the transaction is planned again once an abort is recorded', async () => {
    const result = twoPhaseCommit.run(changes, validUntil, nothingReserved);
    const prepares = queues.map((queue) => queue.take('prepare'));
    clock.advance(500);
    for (const prepare of prepares) prepare.complete(done);
    // All have prepared, so a start after a crash would commit it.
    expect(await isPending(result)).toBe(true);
    expect(asked()).toEqual([['abort'], ['abort'], ['abort']]);
    queues[1].take('abort').complete(done);
    expect(await result).toBe(stale);
  });

  test('just after the commit, it counts', async () => {
    clock.advance(499);
    const { result } = await runUntilPrepared(done, done);
    clock.advance(1);
    expect(await result).toBeUndefined();
  });

  test('and no abort can be recorded soon, the outcome is unknown', async () => {
    clock.advance(500);
    const { result } = await runUntilPrepared(done, done);
    for (const queue of queues.slice(0, 2)) queue.take('abort').onDelay();
    expect(await result).toMatchObject({ error: { code: 'OVERLOADED', outcome: 'unknown' } });
  });

  test('and a participant has seen it, the transaction is planned again at once', async () => {
    const { result } = await runUntilPrepared(done, { kind: 'stale' });
    expect(await result).toBe(stale);
    expect(asked()).toEqual([['abort'], [], []]);
  });
});
