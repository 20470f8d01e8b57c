import { describe, expect, test } from 'vitest';
import { lockWaitersMax } from '../../src/base/limits.ts';
import { KeyLocks } from '../../src/router/key-locks.ts';

const name = (key: string): { namespace: string; key: string } => ({ namespace: 'default', key });

/** Work that goes on until it is told to end. */
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

  test('are forgotten when nobody holds or wants them, also after a failure', async () => {
    const locks = new KeyLocks();
    const failing = locks.hold([name('a'), name('b')], () => {
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(locks.areIdle).toBe(true);
    expect(await locks.hold([name('a')], () => 'free again')).toBe('free again');
    expect(locks.areIdle).toBe(true);
  });

  test('refuse more waiters than may wait, and serve those who do', async () => {
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
