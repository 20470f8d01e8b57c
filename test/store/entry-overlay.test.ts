import { expect, test } from 'vitest';
import { EntryOverlay } from '../../src/store/entry-overlay.ts';

const putOf = (value: string) => ({ value: Buffer.from(value), expiresAt: undefined });

test('a step sees what the steps before it have changed', () => {
  const overlay = new EntryOverlay<string>(['a', 'b'], ['one', undefined]);
  overlay.set(overlay.indexOf('a'), undefined);
  overlay.set(overlay.indexOf('b'), 'two');
  expect(overlay.get(overlay.indexOf('a'))).toBeUndefined();
  expect(overlay.get(overlay.indexOf('b'))).toBe('two');
});

test('the changes have one place a name, in the order of the names, and only the last state', () => {
  const overlay = new EntryOverlay<string>(['a', 'b', 'c'], ['one', 'two', undefined]);
  overlay.set(2, 'first');
  overlay.set(2, 'last');
  overlay.set(0, 'gone soon');
  overlay.set(0, undefined);
  expect(overlay.changes(putOf)).toEqual(['delete', undefined, putOf('last')]);
});

test('an entry that was not read is a fault of the caller', () => {
  const overlay = new EntryOverlay<string>(['a'], [undefined]);
  expect(() => overlay.indexOf('b')).toThrow('was not read');
});
