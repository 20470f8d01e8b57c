import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { LargeRequestQueue } from '../../../src/http/overload/large-request-queue.ts';

let nowMs = 0;
let hasRoom = true;
let turns: LargeRequestQueue;
let done: string[];
beforeEach(() => {
  nowMs = 0;
  hasRoom = true;
  turns = new LargeRequestQueue({ monotonicMs: () => nowMs, hasRoom: () => hasRoom });
  done = [];
});

/** Work that takes so many milliseconds, and records when it is done. */
function work(name: string, ms: number): () => string {
  return () => {
    nowMs += ms;
    done.push(name);
    return name;
  };
}

test('work is done at once while the turn has time', async () => {
  expect(turns.run('a', 1, work('a', 1))).toBe('a');
  expect(turns.run('a', 1, work('b', 1))).toBe('b');
  const third = turns.run('a', 1, work('c', 1));
  expect(done).toEqual(['a', 'b']);
  expect(await third).toBe('c');
});

test('the rest follows in order, some of it in each turn', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const results = names.map(async (name) => turns.run('a', 1, work(name, name === 'e' ? 5 : 1)));
  const byTurn = [done.splice(0)];
  while (turns.waiting > 0) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await nextTurn();
    byTurn.push(done.splice(0));
  }
  expect(byTurn).toEqual([['a', 'b'], ['c', 'd'], ['e'], ['f', 'g']]);
  expect(await Promise.all(results)).toEqual(names);
});

test('later work does not overtake work that waits', async () => {
  for (const name of ['a', 'b', 'c']) void turns.run('a', 1, work(name, 2));
  await nextTurn();
  void turns.run('a', 1, work('late', 2));
  while (turns.waiting > 0) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await nextTurn();
  }
  expect(done).toEqual(['a', 'b', 'c', 'late']);
});

test('work that throws is answered by its error, and the next goes on', async () => {
  void turns.run('a', 1, work('a', 2));
  const failing = turns.run('a', 1, (): string => {
    throw new Error('no');
  });
  const next = turns.run('a', 1, work('b', 2));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('b');
});

/** So many requests may always wait. */
function waitAlways(): Promise<string>[] {
  return Array.from({ length: 32 }, async (_, index) => turns.run('a', 1, work(`${index}`, 0)));
}

test('the queue lets in no request if many wait and one has waited for more than a second', async () => {
  hasRoom = false;
  const waiting = waitAlways();
  nowMs += 1000;
  turns.check('a');
  nowMs += 1;
  expect(() => turns.check('a')).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  hasRoom = true;
  await Promise.all(waiting);
  turns.check('a');
});

test('no work begins while the store has no room', async () => {
  hasRoom = false;
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const late = turns.run('a', 1, work('late', 1));
  await vi.advanceTimersByTimeAsync(1000);
  expect(done).toEqual([]);
  hasRoom = true;
  await vi.advanceTimersByTimeAsync(5);
  expect(await late).toBe('late');
});

test('work that has waited for two seconds is refused if many wait, and never if few do', async () => {
  hasRoom = false;
  const early = turns.run('a', 1, work('early', 0));
  const waiting = waitAlways();
  nowMs += 2001;
  await expect(early).rejects.toMatchObject({ code: 'OVERLOADED', outcome: 'not-applied' });
  nowMs += 60_000;
  hasRoom = true;
  expect(await Promise.all(waiting)).toHaveLength(32);
  expect(done).not.toContain('early');
});

test('namespaces take turns, whatever waits in one of them', async () => {
  hasRoom = false;
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const noisy = Array.from({ length: 100 }, async () => turns.run('noisy', 500, work('noisy', 0)));
  const polite = turns.run('polite', 1, work('polite', 0));
  nowMs += 1001;
  expect(() => turns.check('noisy')).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  turns.check('polite');
  hasRoom = true;
  await vi.advanceTimersByTimeAsync(5);
  await Promise.all([...noisy, polite]);
  expect(done.indexOf('polite')).toBeLessThanOrEqual(1);
});
