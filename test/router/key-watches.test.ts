import { beforeEach, describe, expect, test } from 'vitest';
import { KeyWatches } from '../../src/router/key-watches.ts';
import type { GetOperation } from '../../src/store/operation.ts';
import type { Result, Sight } from '../../src/store/result.ts';
import { entry, name, refused, untilIdle } from '../support/simulated/staged-queue.ts';
import { missing, textOf } from '../support/stores/operations.ts';

interface Asked {
  readonly read: GetOperation;
  readonly resolve: (result: Result) => void;
}

let looks: Asked[];
let watches: KeyWatches;

beforeEach(() => {
  looks = [];
  watches = new KeyWatches((read) => new Promise((resolve) => looks.push({ read, resolve })));
});

function watch(key = 'a') {
  const sights: (string | undefined)[] = [];
  const onSight = (sight: Sight) => sights.push(textOf(sight) ?? sight.kind);
  return { sights, ...watches.add(name(key), onSight) };
}

/** Answers the oldest look. */
async function answer(result: Result): Promise<void> {
  const look = looks.shift();
  if (look === undefined) throw new Error('nothing was asked');
  look.resolve(result);
  await untilIdle();
}

describe('a touch', () => {
  test('of an entry without a watcher costs no look', () => {
    watch('b');
    watches.touch(name('a'));
    watches.touch({ namespace: 'other', key: 'b' });
    expect(looks).toEqual([]);
  });

  test('is one look for all watchers', async () => {
    const all = [watch(), watch(), watch()];
    watches.touch(name('a'));
    expect(looks).toMatchObject([{ read: { op: 'get', ...name('a') } }]);
    await answer(entry('x'));
    expect(all.map(({ sights }) => sights)).toEqual([['x'], ['x'], ['x']]);
  });

  test('is a look of its own as long as few are under way', async () => {
    const { sights } = watch();
    for (let count = 0; count < 3; count++) watches.touch(name('a'));
    await answer(entry('x'));
    await answer(missing);
    await answer(entry('y'));
    expect(sights).toEqual(['x', 'missing', 'y']);
  });

  test('is followed by a later look if very many are under way', async () => {
    const { sights } = watch();
    for (let count = 0; count < 1000; count++) watches.touch(name('a'));
    const atOnce = looks.length;
    expect(atOnce).toBeLessThan(100);
    for (let count = 0; count < atOnce; count++) await answer(entry('old'));
    expect(looks).toHaveLength(1);
    await answer(entry('new'));
    expect(sights.at(-1)).toBe('new');
    expect(looks).toEqual([]);
  });

  test('of all entries of a namespace looks at those that may have changed', () => {
    watch('0a');
    watch('1b');
    watches.add({ namespace: 'other', key: '0c' }, () => undefined);
    watches.touchAll(['default', 'none'], (key) => key.startsWith('0'));
    expect(looks.map(({ read }) => read)).toEqual([{ op: 'get', ...name('0a') }]);
  });
});

describe('a look that is refused', () => {
  test('is tried again after a second, and shows nothing until then', async () => {
    const { sights } = watch();
    watches.touch(name('a'));
    await answer(refused('not-applied'));
    watches.tick(0, 999);
    expect([looks.length, sights]).toEqual([0, []]);
    watches.tick(0, 1);
    await answer(refused('not-applied'));
    watches.tick(0, 1000);
    await answer(entry('x'));
    expect(sights).toEqual(['x']);
    watches.tick(0, 5000);
    expect(looks).toEqual([]);
  });

  test('at once is tried again as well', async () => {
    let isFull = true;
    watches = new KeyWatches(async () => (isFull ? refused('not-applied') : entry('x')));
    const { sights } = watch();
    watches.touch(name('a'));
    await untilIdle();
    isFull = false;
    watches.tick(0, 1000);
    await untilIdle();
    expect(sights).toEqual(['x']);
  });

  test('is not tried again for watchers that have left', async () => {
    const { end } = watch();
    watches.touch(name('a'));
    await answer(refused('not-applied'));
    end();
    watches.tick(0, 1000);
    expect(looks).toEqual([]);
  });
});

describe('expiry', () => {
  test('is looked at once it has come, whichever sight has told of it', async () => {
    const first = watch();
    const second = watch();
    first.show(entry('x', 100));
    watches.tick(99, 50);
    expect(looks).toEqual([]);
    watches.tick(100, 50);
    await answer(missing);
    expect([first.sights, second.sights]).toEqual([['x', 'missing'], ['missing']]);
  });

  test('that was put off is looked at again', async () => {
    const { sights, show } = watch();
    show(entry('x', 100));
    watches.touch(name('a'));
    await answer(entry('y', 200));
    watches.tick(100, 50);
    await answer(entry('y', 200));
    watches.tick(199, 50);
    expect(looks).toEqual([]);
    watches.tick(200, 50);
    await answer(missing);
    expect(sights).toEqual(['x', 'y', 'y', 'missing']);
  });

  test('that comes earlier than it was told is looked at then', async () => {
    const { sights, show } = watch();
    show(entry('x', 300));
    watches.touch(name('a'));
    await answer(entry('y', 200));
    watches.tick(200, 50);
    await answer(missing);
    expect(sights).toEqual(['x', 'y', 'missing']);
  });
});

describe('the end of a watch', () => {
  test('leaves nothing behind', () => {
    const { end, show } = watch();
    show(entry('x', 100));
    end();
    end();
    expect(watches.areIdle).toBe(true);
    watches.tick(100, 5000);
    expect(looks).toEqual([]);
  });

  test('hides sights of looks that are under way, and leaves other watchers alone', async () => {
    const left = watch();
    const stays = watch();
    watches.touch(name('a'));
    left.end();
    left.show(entry('late'));
    await answer(entry('x'));
    expect([left.sights, stays.sights]).toEqual([[], ['x']]);
  });

  test('within a sight is possible', async () => {
    const sights: string[] = [];
    const { end } = watches.add(name('a'), ({ kind }) => {
      sights.push(kind);
      end();
    });
    watches.touch(name('a'));
    watches.touch(name('a'));
    await answer(entry('x'));
    await answer(entry('y'));
    expect([sights, watches.areIdle]).toEqual([['entry'], true]);
  });
});
