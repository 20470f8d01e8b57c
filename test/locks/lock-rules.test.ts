import * as fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import { entryOfFence, entryOfLock } from '../../src/locks/lock-names.ts';
import {
  heldLockOf,
  lockHeld,
  releasing,
  renewing,
  taking,
  type HeldLock,
  type LockTransaction,
} from '../../src/locks/lock-rules.ts';
import { ModelStore } from '../support/stores/model-store.ts';

const namespace = 'app';
const lock = { namespace, name: 'job' };
const other = { namespace, name: 'other' };

let store: ModelStore;

beforeEach(() => {
  store = new ModelStore();
});

async function run<Output>({ names, plan }: LockTransaction<Output>): Promise<Output> {
  const result = await store.transact(names, plan);
  if (result.kind === 'refused') throw result.error;
  return result.output;
}

const take = (of = lock, ttlMs = 1000, userId = 'ann'): Promise<HeldLock> =>
  run(taking(of, { ttlMs, userId, mayTake: () => true }));
const renew = (fence: number, ttlMs = 1000, userId = 'ann'): Promise<HeldLock> =>
  run(renewing(lock, { fences: [fence], userId, ttlMs }));
const release = (fence: number, userId = 'ann'): Promise<undefined> =>
  run(releasing(lock, { fences: [fence], userId }));

async function errorOf(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('it succeeds');
}

const codeOf = async (work: Promise<unknown>): Promise<string> => (await errorOf(work)).code;

const look = async (of = lock): Promise<HeldLock | undefined> => {
  const [found] = await store.getMany([entryOfLock(of)]);
  return heldLockOf(of, found?.kind === 'entry' ? found : undefined);
};

const contents = (): string => JSON.stringify([...store.entries]);

describe('taking', () => {
  test('a free lock gives the fence of the wall clock, and a deadline', async () => {
    const fence = store.nowMs * 1024;
    expect(await take(lock, 30)).toEqual({ ...lock, fence, expiresAt: store.nowMs + 30 });
    expect(await look()).toEqual({ ...lock, fence, expiresAt: store.nowMs + 30 });
  });

  test('a lock that is held changes nothing, and tells its deadline', async () => {
    const { expiresAt } = await take(lock, 30);
    const before = contents();
    store.nowMs += 10;
    for (const userId of ['ann', 'ben']) {
      const error = await errorOf(take(lock, 500, userId));
      expect(error).toMatchObject({
        code: 'LOCK_HELD',
        retryable: true,
        retryAfterMs: 20,
        expiresAt,
      });
    }
    expect(contents()).toBe(before);
  });

  test('a lock is possible from its deadline on, and not before', async () => {
    const { expiresAt, fence } = await take(lock, 30);
    store.nowMs = expiresAt - 1;
    expect(await codeOf(take())).toBe('LOCK_HELD');
    store.nowMs = expiresAt;
    expect((await take(lock, 30, 'ben')).fence).toBe(fence + 1);
  });

  test('a free lock for which others wait changes nothing', async () => {
    const waiting = taking(lock, { ttlMs: 30, userId: 'ann', mayTake: () => false });
    expect(await codeOf(run(waiting))).toBe('LOCK_HELD');
    expect(store.entries.size).toBe(0);
  });

  test('a lock asks who waits once it is known to be free', async () => {
    await take();
    const mayTake = vi.fn<() => boolean>(() => true);
    const attempt = taking(lock, { ttlMs: 1, userId: 'ann', mayTake });
    expect(await codeOf(run(attempt))).toBe('LOCK_HELD');
    expect(mayTake).not.toHaveBeenCalled();
  });

  test('keeps the last fence when the lock has expired or was released', async () => {
    const { fence } = await take(lock, 1);
    store.nowMs += 1_000_000;
    expect((await take(other, 1)).fence).toBe(fence + 1);
    await run(releasing(other, 'anyone'));
    expect((await store.getMany([entryOfFence(namespace)]))[0]).toMatchObject({
      expiresAt: undefined,
      value: Buffer.from(String(fence + 1)),
    });
  });
});

describe('the holder', () => {
  test('renews its lock from now on, also to an earlier deadline', async () => {
    const { fence } = await take(lock, 1000);
    for (const ttlMs of [5000, 10]) {
      store.nowMs += 1;
      const renewed = { ...lock, fence, expiresAt: store.nowMs + ttlMs };
      expect(await renew(fence, ttlMs)).toEqual(renewed);
      expect(await look()).toEqual(renewed);
    }
    // The user is still known.
    expect(await codeOf(renew(fence, 1, 'ben'))).toBe('CONDITION_FAILED');
  });

  test('may name more fences than that of the lock', async () => {
    const { fence } = await take();
    const holder = { fences: [1, fence], userId: 'ann' };
    expect((await run(renewing(lock, { ...holder, ttlMs: 5 }))).fence).toBe(fence);
    await run(releasing(lock, holder));
    expect(await look()).toBeUndefined();
  });

  test('releases its lock once', async () => {
    const { fence } = await take();
    await release(fence);
    expect(await look()).toBeUndefined();
    expect(await codeOf(release(fence))).toBe('CONDITION_FAILED');
    expect(await codeOf(renew(fence))).toBe('CONDITION_FAILED');
  });

  test('has lost its lock at the deadline', async () => {
    const { fence, expiresAt } = await take();
    store.nowMs = expiresAt;
    expect(await look()).toBeUndefined();
    expect(await codeOf(renew(fence))).toBe('CONDITION_FAILED');
    expect(await codeOf(release(fence))).toBe('CONDITION_FAILED');
    const next = await take();
    expect(await codeOf(renew(fence))).toBe('CONDITION_FAILED');
    expect(await codeOf(release(fence))).toBe('CONDITION_FAILED');
    expect(await look()).toEqual(next);
  });
});

describe('any other', () => {
  test.each([
    ['user', 0, 'ben'],
    ['fence', 1, 'ann'],
    ['fence', -1, 'ann'],
  ])('%s neither renews nor releases a lock', async (_, difference, userId) => {
    const { fence } = await take();
    const before = contents();
    expect(await errorOf(renew(fence + difference, 5, userId))).toMatchObject({
      code: 'CONDITION_FAILED',
      outcome: 'not-applied',
      parameter: 'If-Match',
    });
    expect(await codeOf(release(fence + difference, userId))).toBe('CONDITION_FAILED');
    expect(contents()).toBe(before);
  });

  test('releases a lock as an administrator, held or not', async () => {
    await take();
    await run(releasing(lock, 'anyone'));
    expect(await look()).toBeUndefined();
    const before = contents();
    await run(releasing(lock, 'anyone'));
    expect(contents()).toBe(before);
  });
});

test('an error names the lock as text, and is never retried at once', () => {
  const name = Buffer.from('ä').toString('latin1');
  const error = lockHeld({ namespace, name }, 5, 5);
  expect(error.message).toContain('"ä"');
  expect(error.retryAfterMs).toBe(1);
});

interface Asked {
  readonly do: 'take' | 'renew' | 'release';
  readonly name: string;
  readonly userId: string;
  readonly ttlMs: number;
  /** The fence that the request names is so far behind the last one of the namespace. */
  readonly fencesBack: number;
  /** So many milliseconds pass before the request. */
  readonly passedMs: number;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  do: fc.constantFrom('take', 'renew', 'release'),
  name: fc.constantFrom('a', 'b'),
  userId: fc.constantFrom('ann', 'ben'),
  ttlMs: fc.integer({ min: 1, max: 40 }),
  fencesBack: fc.constantFrom(0, 0, 1, 2),
  passedMs: fc.constantFrom(0, 0, 1, 20),
});

/** The rules in the simplest form. */
class LockModel {
  lastFence = 0;
  readonly #held = new Map<string, HeldLock & { readonly userId: string }>();

  look(name: string, now: number): HeldLock | undefined {
    const held = this.#held.get(name);
    if (held === undefined || held.expiresAt <= now) return undefined;
    const { userId: _, ...lockOfHolder } = held;
    return lockOfHolder;
  }

  /** @returns the lock, undefined for a release, or the code of the error */
  run(one: Asked, now: number): HeldLock | string | undefined {
    const { name, userId, ttlMs } = one;
    const isHeld = this.look(name, now) !== undefined;
    if (one.do === 'take') {
      if (isHeld) return 'LOCK_HELD';
      this.lastFence = this.lastFence === 0 ? now * 1024 : this.lastFence + 1;
      return this.#hold(name, userId, this.lastFence, now + ttlMs);
    }
    const fence = this.lastFence - one.fencesBack;
    const held = this.#held.get(name);
    if (!isHeld || held?.fence !== fence || held.userId !== userId) return 'CONDITION_FAILED';
    if (one.do === 'renew') return this.#hold(name, userId, fence, now + ttlMs);
    this.#held.delete(name);
    return undefined;
  }

  #hold(name: string, userId: string, fence: number, expiresAt: number): HeldLock {
    this.#held.set(name, { namespace, name, userId, fence, expiresAt });
    return { namespace, name, fence, expiresAt };
  }
}

async function outcomeOf(
  { do: what, name, userId, ttlMs, fencesBack }: Asked,
  lastFence: number,
): Promise<HeldLock | string | undefined> {
  const of = { namespace, name };
  const holder = { fences: [lastFence - fencesBack], userId };
  try {
    if (what === 'take') return await take(of, ttlMs, userId);
    return await run(what === 'renew' ? renewing(of, { ...holder, ttlMs }) : releasing(of, holder));
  } catch (error) {
    return (error as StoreError).code;
  }
}

test('any requests in any order agree with one holder until its deadline', async () => {
  const property = fc.asyncProperty(fc.array(asked, { maxLength: 40 }), async (requests) => {
    store = new ModelStore();
    const model = new LockModel();
    for (const one of requests) {
      store.nowMs += one.passedMs;
      const outcome = await outcomeOf(one, model.lastFence);
      expect(outcome).toEqual(model.run(one, store.nowMs));
      expect(await look({ namespace, name: one.name })).toEqual(model.look(one.name, store.nowMs));
    }
  });
  await expect(fc.assert(property)).resolves.toBeUndefined();
});
