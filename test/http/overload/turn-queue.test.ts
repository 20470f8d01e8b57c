import { beforeEach, expect, test } from 'vitest';
import { TurnQueue } from '../../../src/http/overload/turn-queue.ts';

let nowMs = 0;
let hasRoom = true;
let turns: TurnQueue;
let done: string[];
beforeEach(() => {
  nowMs = 0;
  hasRoom = true;
  turns = new TurnQueue({ monotonicMs: () => nowMs, hasRoom: () => hasRoom });
  done = [];
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Work that takes so long, and notes when it is done. */
function work(name: string, ms: number): () => string {
  return () => {
    nowMs += ms;
    done.push(name);
    return name;
  };
}

test('work is done at once while the turn has time', async () => {
  expect(turns.run(work('a', 1))).toBe('a');
  expect(turns.run(work('b', 1))).toBe('b');
  const third = turns.run(work('c', 1));
  expect(done).toEqual(['a', 'b']);
  expect(await third).toBe('c');
});

test('the rest follows in order, some of it in each turn', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const results = names.map(async (name) => turns.run(work(name, name === 'e' ? 5 : 1)));
  const byTurn = [done.splice(0)];
  while (turns.waiting > 0) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await nextTurn();
    byTurn.push(done.splice(0));
  }
  expect(byTurn).toEqual([['a', 'b'], ['c', 'd'], ['e'], ['f', 'g']]);
  expect(await Promise.all(results)).toEqual(names);
});

test('what comes later does not overtake what waits', async () => {
  for (const name of ['a', 'b', 'c']) void turns.run(work(name, 2));
  await nextTurn();
  void turns.run(work('late', 2));
  while (turns.waiting > 0) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await nextTurn();
  }
  expect(done).toEqual(['a', 'b', 'c', 'late']);
});

test('work that throws is answered by its error, and the next goes on', async () => {
  void turns.run(work('a', 2));
  const failing = turns.run((): string => {
    throw new Error('no');
  });
  const next = turns.run(work('b', 2));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('b');
});

test('nothing is let in behind what has waited for more than a second', async () => {
  void turns.run(work('a', 2));
  void turns.run(work('b', 2));
  nowMs += 1000;
  turns.check();
  nowMs += 1;
  expect(() => turns.check()).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  await nextTurn();
  turns.check();
});

test('nothing is begun while the store has no room, and what has waited for two seconds never', async () => {
  hasRoom = false;
  const early = turns.run(work('early', 1));
  nowMs += 1500;
  const late = turns.run(work('late', 1));
  nowMs += 501;
  await expect(early).rejects.toMatchObject({ code: 'OVERLOADED', outcome: 'not-applied' });
  expect(done).toEqual([]);
  hasRoom = true;
  expect(await late).toBe('late');
});
