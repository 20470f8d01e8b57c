// The shards' answers and figures come from the test.
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import type { Reservation } from '../../../src/router/quotas/namespace-quota.ts';
import { Quotas } from '../../../src/router/quotas/quotas.ts';
import { done, refused, untilIdle } from '../../support/simulated/staged-queue.ts';

let quotas: Quotas;
/** How many expired entries each sweep still finds. */
let expired: number;
const sweep = async (): Promise<number> => {
  const found = Math.min(expired, 1);
  expired -= found;
  if (found > 0) holds(heldKeys - found);
  return found;
};

let heldKeys: number;
/** The shard 0 tells that the namespace has so many keys there, of ten bytes each. */
function holds(keys: number): void {
  heldKeys = keys;
  quotas.changed(0, [{ namespace: 'app', keys, bytes: 10 * keys }]);
}

const oneKey = { shard: 0, keys: 1, bytes: 10 };
const elsewhere = { shard: 1, keys: -1, bytes: -10 };
const quotaOf = () => {
  const quota = quotas.of('app');
  if (quota === undefined) throw new Error('the namespace has a quota');
  return quota;
};

beforeEach(() => {
  expired = 0;
  quotas = new Quotas(2);
  quotas.set('app', { keysMax: 3 });
  holds(2);
});

/** The result of a wait: its reservations, its error's code, or that it still waits. */
function follow(reserving: Promise<readonly Reservation[]>) {
  const seen: { outcome: string; reservations: readonly Reservation[] } = {
    outcome: 'waits',
    reservations: [],
  };
  const noted = async (): Promise<void> => {
    try {
      seen.reservations = await reserving;
      seen.outcome = 'reserved';
    } catch (error) {
      seen.outcome = error instanceof StoreError ? error.code : String(error);
    }
  };
  void noted();
  return seen;
}

describe('a reservation', () => {
  test('takes up room until its shard has answered', () => {
    const first = quotaOf().tryReserve(oneKey);
    expect(first).toBeDefined();
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    first?.settle(refused('not-applied'));
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
  });

  test('ends when the figures show what was written', () => {
    const first = quotaOf().tryReserve(oneKey);
    holds(3);
    first?.settle(done);
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    holds(2);
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
  });

  test('ends once, however often it is settled', () => {
    const first = quotaOf().tryReserve(oneKey);
    for (let n = 0; n < 3; n++) first?.settle(done);
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
  });

  test('of an unknown outcome stays until its shard, and no other, has recovered', () => {
    quotaOf().tryReserve(oneKey)?.settle(refused('unknown'));
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    quotas.settled(1);
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    quotas.opened(0, [{ namespace: 'app', keys: 2, bytes: 20 }]);
    quotas.settled(0);
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
  });

  test('of a write that shrinks the namespace is always given', () => {
    holds(30);
    expect(quotaOf().tryReserve({ shard: 0, keys: 0, bytes: 0 })).toBeDefined();
    expect(quotaOf().tryReserve({ shard: 0, keys: -1, bytes: -10 })).toBeDefined();
    expect(quotaOf().tryReserve({ shard: 0, keys: 0, bytes: 1 })).toBeDefined();
  });

  test('counts what the store itself keeps for the namespace', () => {
    quotas.changed(1, [{ namespace: '~kept.app', keys: 1, bytes: 90 }]);
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    expect(quotas.of('~kept.app')).toBe(quotaOf());
    expect(quotas.of('~locks.app')).toBe(quotaOf());
    expect(quotas.of('~kept')).toBeUndefined();
  });
});

describe('a write that finds no room', () => {
  test('is refused with the limit and what there is, if nothing is under way', async () => {
    holds(3);
    const error = await quotaOf()
      .reserve([oneKey], sweep)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      outcome: 'not-applied',
      retryable: false,
      limit: 3,
      present: 3,
    });
  });

  test('waits for writes under way, and goes as soon as one leaves room', async () => {
    const first = quotaOf().tryReserve(oneKey);
    const waiting = follow(quotaOf().reserve([oneKey], sweep));
    await untilIdle();
    expect(waiting.outcome).toBe('waits');
    first?.settle(done);
    await untilIdle();
    expect(waiting.outcome).toBe('reserved');
  });

  test('waits for deletes that came before it', async () => {
    holds(3);
    const removal = quotaOf().tryReserve({ shard: 1, keys: 0, bytes: 0 });
    const waiting = follow(quotaOf().reserve([oneKey], sweep));
    await untilIdle();
    expect(waiting.outcome).toBe('waits');
    holds(2);
    removal?.settle(done);
    await untilIdle();
    expect(waiting.outcome).toBe('reserved');
  });

  test('does not wait for writes that began behind it', async () => {
    holds(3);
    const before = quotaOf().tryReserve({ shard: 1, keys: 0, bytes: 0 });
    const waiting = follow(quotaOf().reserve([oneKey], sweep));
    quotaOf().tryReserve({ shard: 1, keys: 0, bytes: 0 });
    before?.settle(done);
    await untilIdle();
    expect(waiting.outcome).toBe('QUOTA_EXCEEDED');
  });

  test('does not wait for a write of unknown outcome', async () => {
    quotaOf().tryReserve(oneKey)?.settle(refused('unknown'));
    const waiting = follow(quotaOf().reserve([oneKey], sweep));
    await untilIdle();
    expect(waiting.outcome).toBe('QUOTA_EXCEEDED');
  });

  test('has expired entries removed first', async () => {
    holds(5);
    expired = 3;
    const waiting = follow(quotaOf().reserve([oneKey], sweep));
    await untilIdle();
    expect(waiting.outcome).toBe('reserved');
    expect(heldKeys).toBe(2);
  });

  test('is let in once the quota is raised, or taken away', async () => {
    const under = quotaOf().tryReserve(oneKey);
    const first = follow(quotaOf().reserve([oneKey], sweep));
    const second = follow(quotaOf().reserve([oneKey], sweep));
    quotas.set('app', { keysMax: 4 });
    await untilIdle();
    expect([first.outcome, second.outcome]).toEqual(['reserved', 'waits']);
    expect(quotas.set('app', {})).toBe(false);
    await untilIdle();
    expect(second.outcome).toBe('reserved');
    expect(quotas.areNone).toBe(true);
    under?.settle(done);
  });
});

describe('changes in several shards', () => {
  test('are judged by their sum, and reserve what grows in each', async () => {
    holds(3);
    const [grown] = await quotaOf().reserve([oneKey, elsewhere], sweep);
    // The shard that shrinks may answer first: its room must not go to anyone meanwhile.
    quotas.changed(1, [{ namespace: 'app', keys: 0, bytes: 0 }]);
    holds(2);
    expect(quotaOf().tryReserve(oneKey)).toBeUndefined();
    grown?.settle(done);
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
  });

  test('reserve all or nothing', async () => {
    const both = [oneKey, { ...oneKey, shard: 1 }];
    const waiting = follow(quotaOf().reserve(both, sweep));
    await untilIdle();
    expect(waiting.outcome).toBe('QUOTA_EXCEEDED');
    expect(quotaOf().tryReserve(oneKey)).toBeDefined();
  });
});

test('figures of a shard that is opened again replace all that it told before', () => {
  quotas.changed(0, [{ namespace: '~kept.app', keys: 1, bytes: 5 }]);
  quotas.changed(1, [{ namespace: 'app', keys: 4, bytes: 40 }]);
  expect(quotas.usage.of('app')).toEqual({ keys: 7, bytes: 65 });
  quotas.opened(0, [{ namespace: 'app', keys: 1, bytes: 10 }]);
  expect(quotas.usage.of('app')).toEqual({ keys: 5, bytes: 50 });
  quotas.opened(0, []);
  quotas.opened(1, []);
  expect(quotas.usage.of('app')).toEqual({ keys: 0, bytes: 0 });
});
