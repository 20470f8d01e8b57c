import { describe, expect, test } from 'vitest';
import { lockWaitersMax } from '../../src/base/limits.ts';
import { KeyLocks } from '../../src/router/key-locks.ts';
import { untilIdle } from '../support/simulated/staged-queue.ts';

const name = (key: string): { namespace: string; key: string } => ({ namespace: 'default', key });

const there = (key: string): { namespace: string; key: string } => ({ namespace: 'other', key });

/** Work that goes on until the test ends it. */
function held(): { work: () => Promise<void>; end: () => void } {
  const ends: (() => void)[] = [];
  const ended = new Promise<void>((resolve) => ends.push(resolve));
  return { work: () => ended, end: () => ends[0]?.() };
}

describe('key locks', () => {
  test('let one holder of a key in at a time, in the order they came', async () => {
    const locks = new KeyLocks();
    const order: string[] = [];
    const enter = (who: string, key: string): Promise<void> =>
      locks.hold([name(key)], async () => {
        order.push(`${who} in`);
        await Promise.resolve();
        order.push(`${who} out`);
      });
    await Promise.all([enter('a', 'k'), enter('b', 'k'), enter('c', 'k')]);
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  test('are taken in one order, so that crossing holders do not wait for each other', async () => {
    const locks = new KeyLocks();
    let done = 0;
    const rounds = Array.from({ length: 200 }, (_, index) => {
      const keys = index % 2 === 0 ? ['x', 'y', 'z'] : ['z', 'y', 'x', 'x'];
      return locks.hold(keys.map(name), async () => {
        await Promise.resolve();
        done += 1;
      });
    });
    await Promise.all(rounds);
    expect(done).toBe(200);
  });

  test('of different keys are held side by side', async () => {
    const locks = new KeyLocks();
    const one = held();
    const holding = locks.hold([name('a')], one.work);
    await locks.hold([name('b')], () => 'not held up');
    expect(locks.isHeld(name('a'))).toBe(true);
    one.end();
    await holding;
  });

  test('are forgotten when no operation holds or wants them, also after a failure', async () => {
    const locks = new KeyLocks();
    const failing = locks.hold([name('a'), name('b')], () => {
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(locks.areIdle).toBe(true);
    expect(await locks.hold([name('a')], () => 'free again')).toBe('free again');
    expect(locks.areIdle).toBe(true);
  });

  test('refuse more waiters than may wait, and serve the others', async () => {
    const locks = new KeyLocks();
    const one = held();
    const holding = [locks.hold([name('a')], one.work)];
    for (let index = 1; index < lockWaitersMax; index++) {
      holding.push(locks.hold([name('a')], () => {}));
    }
    await expect(locks.hold([name('a')], () => {})).rejects.toMatchObject({ code: 'OVERLOADED' });
    one.end();
    await Promise.all(holding);
    expect(locks.areIdle).toBe(true);
  });
});

describe('the lock of all keys', () => {
  test('is given when every holder of a key has ended, and keeps later holders out until it ends', async () => {
    const locks = new KeyLocks();
    const order: string[] = [];
    const early = held();
    const all = held();
    const first = locks.hold([name('a')], early.work).then(() => order.push('early'));
    const behindFirst = locks.hold([name('a')], () => order.push('behind early'));
    const everything = locks.holdAll(async () => {
      order.push('all in');
      await all.work();
      order.push('all out');
    });
    const late = locks.hold([name('b')], () => order.push('late'));
    expect(locks.isHeld(name('never named'))).toBe(true);
    expect(locks.areIdle).toBe(false);
    early.end();
    await Promise.all([first, behindFirst]);
    await expect.poll(() => order).toContain('all in');
    expect(order.slice(0, 3).toSorted()).toEqual(['all in', 'behind early', 'early']);
    all.end();
    await Promise.all([everything, late]);
    expect(order.slice(3)).toEqual(['all out', 'late']);
    expect(locks.areIdle).toBe(true);
  });

  test('goes from one holder to the next, and work that fails releases it', async () => {
    const locks = new KeyLocks();
    const order: number[] = [];
    const turns = Array.from({ length: 20 }, (_, turn) =>
      turn % 2 === 0
        ? locks.holdAll(async () => {
            order.push(turn);
            await Promise.resolve();
            if (turn === 10) throw new Error('no');
          })
        : locks.hold([name(`k${turn}`)], () => order.push(turn)),
    );
    const settled = await Promise.allSettled(turns);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(locks.areIdle).toBe(true);
  });
});

describe('the lock of a namespace', () => {
  test('waits for holders of its keys, and keeps out later ones, but none of other namespaces', async () => {
    const locks = new KeyLocks();
    const order: string[] = [];
    const early = held();
    const alone = held();
    const elsewhere = held();
    const others = locks.hold([there('a')], elsewhere.work);
    const first = locks.hold([name('a')], early.work);
    const drop = locks.holdNamespaces(['default'], [], async () => {
      order.push('in');
      await alone.work();
      order.push('out');
    });
    const late = locks.hold([there('b'), name('b')], () => order.push('late'));
    expect(locks.isHeld(name('never named'))).toBe(true);
    expect(locks.isHeld(there('never named'))).toBe(false);
    expect(locks.areIdle).toBe(false);
    expect(await locks.hold([there('b')], () => 'not held up')).toBe('not held up');
    expect(order).toEqual([]);
    early.end();
    await first;
    await expect.poll(() => order).toEqual(['in']);
    expect(await locks.hold([there('b')], () => 'not held up')).toBe('not held up');
    alone.end();
    await Promise.all([drop, late]);
    expect(order).toEqual(['in', 'out', 'late']);
    elsewhere.end();
    await others;
    expect(locks.areIdle).toBe(true);
  });

  test('comes with the locks of entries elsewhere, which keep their order', async () => {
    const locks = new KeyLocks();
    const order: string[] = [];
    const elsewhere = held();
    const alone = held();
    const holder = locks.hold([there('a')], elsewhere.work);
    // It has the key of the namespace, and wants the one elsewhere before the drop gets it.
    const both = locks.hold([name('a'), there('a')], () => order.push('both'));
    const drop = locks.holdNamespaces(['default'], [name('x'), there('a')], async () => {
      order.push('drop');
      await alone.work();
    });
    await untilIdle();
    const behind = locks.hold([there('a')], () => order.push('behind'));
    elsewhere.end();
    await holder;
    await both;
    expect(order).toEqual(['both', 'behind']);
    alone.end();
    await Promise.all([drop, behind]);
    expect(order).toEqual(['both', 'behind', 'drop']);
    expect(locks.areIdle).toBe(true);
  });

  test('refuses if too many wait for an entry elsewhere, and is open again afterwards', async () => {
    const locks = new KeyLocks();
    const one = held();
    const holding = [locks.hold([there('a')], one.work)];
    for (let index = 1; index < lockWaitersMax; index++) {
      holding.push(locks.hold([there('a')], () => {}));
    }
    const drop = locks.holdNamespaces(['default'], [there('a')], async () => 'never');
    await expect(drop).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(locks.isHeld(name('a'))).toBe(false);
    one.end();
    await Promise.all(holding);
    expect(locks.areIdle).toBe(true);
  });

  test('is held by one caller at a time, in any mix with the other locks, and none waits for good', async () => {
    const locks = new KeyLocks();
    const inside = new Map<string, number>();
    const enter = async (namespaces: readonly string[], isAlone: boolean): Promise<void> => {
      for (const each of namespaces) {
        const others = inside.get(each) ?? 0;
        expect(isAlone ? others : Math.min(others, 0)).toBe(0);
        inside.set(each, isAlone ? -1 : others + 1);
      }
      await Promise.resolve();
      for (const each of namespaces) {
        inside.set(each, isAlone ? 0 : (inside.get(each) ?? 0) - 1);
      }
    };
    const both = ['default', 'other'] as const;
    const turns = Array.from({ length: 400 }, (_, turn) => {
      const key = `k${turn % 3}`;
      const namespace = turn % 2 === 0 ? both[0] : both[1];
      const elsewhere = turn % 2 === 0 ? there(key) : name(key);
      if (turn % 7 === 0) return locks.holdAll(() => enter(both, true));
      if (turn % 5 === 0) return locks.holdNamespaces(both, [], () => enter(both, true));
      if (turn % 3 === 0) {
        return locks.holdNamespaces([namespace], [elsewhere], () => enter([namespace], true));
      }
      if (turn % 4 === 0) return locks.hold([name(key), there(key)], () => enter(both, false));
      return locks.hold([name(key)], () => enter(['default'], false));
    });
    await Promise.all(turns);
    expect(locks.areIdle).toBe(true);
  });
});
