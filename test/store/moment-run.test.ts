import { describe, expect, test } from 'vitest';
import { namesOnce, runAtMoment, type MomentOperation } from '../../src/store/moment-run.ts';
import type { EntryResult } from '../../src/store/result.ts';

const namespace = 'default';
const now = 1_764_000_000_000;
const limits = { valueBytesMax: 100 };

const name = (key: string) => ({ namespace, key });

function entry(value: string, version = 7, expiresAt?: number): EntryResult {
  return { kind: 'entry', version, expiresAt, size: value.length, value: Buffer.from(value) };
}

/** Runs operations at a moment with these entries. Puts get version 100. */
function run(standing: Readonly<Record<string, EntryResult>>, operations: MomentOperation[]) {
  const names = namesOnce(operations, operations);
  const entries = names.map(({ key }) => standing[key]);
  const moment = { entries, versions: names.map(() => 100), now };
  const { results, changes } = runAtMoment(names, moment, operations, limits);
  return { results, changes: Object.fromEntries(names.map(({ key }, i) => [key, changes[i]])) };
}

const value = Buffer.from('new');
const failed = (version: number) => ({ kind: 'condition-failed', version });

describe('conditions of a write are judged by the entry at its turn', () => {
  test('of a put', () => {
    const { results, changes } = run({ a: entry('x') }, [
      { op: 'put', ...name('a'), value, ifNoneMatch: '*' },
      { op: 'put', ...name('a'), value, ifMatch: [6, 8] },
      { op: 'put', ...name('a'), value, ifMatch: [7] },
      { op: 'put', ...name('a'), value, ifMatch: [7] },
      { op: 'put', ...name('b'), value, ifMatch: '*' },
      { op: 'put', ...name('b'), value, ifNoneMatch: '*' },
      { op: 'put', ...name('b'), value, ifNoneMatch: '*' },
    ]);
    expect(results).toEqual([
      failed(7),
      failed(7),
      { kind: 'written', created: false, version: 100, previousVersion: 7 },
      failed(100),
      failed(0),
      { kind: 'written', created: true, version: 100, previousVersion: 0 },
      failed(100),
    ]);
    const put = { value, expiresAt: undefined };
    expect(changes).toEqual({ a: put, b: put });
  });

  test('of a delete', () => {
    const { results, changes } = run({ a: entry('x') }, [
      { op: 'delete', ...name('a'), ifMatch: [8] },
      { op: 'delete', ...name('a'), ifNoneMatch: [7] },
      { op: 'delete', ...name('a'), ifMatch: [7] },
      { op: 'delete', ...name('a'), ifMatch: '*' },
      { op: 'delete', ...name('a') },
    ]);
    expect(results).toEqual([
      failed(7),
      failed(7),
      { kind: 'deleted', previousVersion: 7 },
      failed(0),
      { kind: 'missing' },
    ]);
    expect(changes).toEqual({ a: 'delete' });
  });
});

test('a head gives all but the value', () => {
  const { results, changes } = run({ a: entry('x', 7, now + 5) }, [
    { op: 'head', ...name('a') },
    { op: 'head', ...name('b') },
  ]);
  const head = { kind: 'entry', version: 7, expiresAt: now + 5, size: 1, value: undefined };
  expect(results).toEqual([head, { kind: 'missing' }]);
  expect(changes).toEqual({ a: undefined, b: undefined });
});

test('a read hands the value on without a copy', () => {
  const standing = entry('x');
  const { results } = run({ a: standing }, [{ op: 'get', ...name('a') }]);
  expect(results[0]).toBe(standing);
});

test('the last of several writes of a key is the one change', () => {
  const { results, changes } = run({}, [
    { op: 'increment', ...name('n'), by: 5n },
    { op: 'put', ...name('n'), value: Buffer.from('-1'), ttlMs: 50 },
    { op: 'increment', ...name('n'), by: -2n },
    { op: 'get', ...name('n') },
  ]);
  const sum = Buffer.from('-3');
  const expiresAt = now + 50;
  expect(results[3]).toEqual({ kind: 'entry', version: 100, expiresAt, size: 2, value: sum });
  expect(changes).toEqual({ n: { value: sum, expiresAt } });
});

test('a deadline is a number that JSON can hold, however late it is', () => {
  const { changes } = run({}, [
    { op: 'put', ...name('a'), value, ttlMs: Number.MAX_SAFE_INTEGER - 1 },
  ]);
  expect(changes).toEqual({ a: { value, expiresAt: Number.MAX_SAFE_INTEGER } });
});

test('an increment that cannot be carried out names its place', () => {
  const operations: MomentOperation[] = [
    { op: 'get', ...name('a') },
    { op: 'increment', ...name('a'), by: 1n },
  ];
  const code = 'VALUE_NOT_AN_INTEGER';
  expect(() => run({ a: entry('x') }, operations)).toThrow(
    expect.objectContaining({ code, parameter: 'operations[1]' }),
  );
});

test('names come once, keys of several namespaces apart, and say which are only read', () => {
  const elsewhere = { namespace: 'other', key: 'a' };
  const operations: MomentOperation[] = [
    { op: 'get', ...name('b') },
    { op: 'delete', ...elsewhere },
    { op: 'get', ...name('a') },
    { op: 'increment', ...name('b'), by: 1n },
  ];
  expect(namesOnce([name('b'), name('a'), ...operations], operations)).toEqual([
    { ...name('b'), isReadOnly: false },
    { ...name('a'), isReadOnly: true },
    { ...elsewhere, isReadOnly: false },
  ]);
});
