// Work that is late is told of, and no timer is left behind.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withinDeadline } from '../../src/server/within-deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('work that ends in time leaves no timer behind', async () => {
  await withinDeadline(Promise.resolve(), 100, 'late');
  expect(vi.getTimerCount()).toBe(0);
});

test('work that fails in time fails with its own error', async () => {
  const failing = Promise.reject(new Error('a disk is gone'));
  await expect(withinDeadline(failing, 100, 'late')).rejects.toThrow('a disk is gone');
  expect(vi.getTimerCount()).toBe(0);
});

test('the caller hears at the deadline, and not before, that work is late', async () => {
  const heard = vi.fn<(error: Error) => void>();
  const never = new Promise<void>(() => undefined);
  const waiting = withinDeadline(never, 100, 'the server did not stop').catch(heard);
  await vi.advanceTimersByTimeAsync(99);
  expect(heard).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await waiting;
  expect(heard).toHaveBeenCalledExactlyOnceWith(new Error('the server did not stop'));
});
