import { expect, test, vi, beforeEach, afterEach } from 'vitest';
import { LockHistory } from './lock-history.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

test('grants one after the other, by release and by expiry, are right', () => {
  const history = new LockHistory();
  const first = history.take('a', 'lock').granted(1, Date.now() + 100);
  history.release('a', first).done();
  const second = history.take('b', 'lock').granted(2, Date.now() + 100);
  history.look('c', 'lock').seen(2);
  later(100);
  history.look('c', 'lock').seen(undefined);
  history.take('a', 'lock').granted(3, Date.now() + 100);
  history.release('b', second).lost();
  expect(history.violations()).toEqual([]);
});

test('two holders at a time are found', () => {
  const history = new LockHistory();
  history.take('a', 'lock').granted(1, Date.now() + 100);
  later(90);
  history.take('b', 'lock').granted(2, Date.now() + 100);
  later(200);
  expect(history.violations()).toHaveLength(1);
});

test('a renewal keeps the lock for longer', () => {
  const history = new LockHistory();
  const held = history.take('a', 'lock').granted(1, Date.now() + 100);
  later(90);
  history.renew('a', held).done(Date.now() + 100);
  later(90);
  history.take('b', 'lock').granted(2, Date.now() + 100);
  expect(history.violations()).toHaveLength(1);
});

test('a lock of which the client never heard may be gone at once, or held', () => {
  const history = new LockHistory();
  history.take('a', 'lock');
  history.look('c', 'lock').seen(7);
  history.look('c', 'lock').seen(undefined);
  history.take('b', 'lock').granted(8, Date.now() + 100);
  expect(history.violations()).toEqual([]);
});

test('a fence that comes twice, or late, is found', () => {
  const history = new LockHistory();
  history.take('a', 'one').granted(5, Date.now() + 100);
  history.take('a', 'two').granted(5, Date.now() + 100);
  history.take('a', 'three').granted(4, Date.now() + 100);
  expect(history.violations()).toEqual([
    'the fence 5 was given twice',
    'two got the fence 5 after 5 was given',
    'three got the fence 4 after 5 was given',
  ]);
});

test('a lock that was lost before its deadline is found', () => {
  const history = new LockHistory();
  const held = history.take('a', 'lock').granted(1, Date.now() + 100);
  later(50);
  history.renew('a', held).lost();
  expect(history.violations()).toEqual(['lock with fence 1 was lost 49 ms before its deadline']);
});
