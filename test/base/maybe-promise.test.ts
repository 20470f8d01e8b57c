import { describe, expect, test } from 'vitest';
import { andThen, withEnd } from '../../src/base/maybe-promise.ts';

const twice = (value: number): number => 2 * value;
const fail = (): never => {
  throw new Error('failed');
};

describe('the next step', () => {
  test('is done at once with a result that is there', () => {
    expect(andThen(3, twice)).toBe(6);
  });

  test('waits for a result that comes later', async () => {
    const result = andThen(Promise.resolve(3), twice);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(6);
  });

  test('throws or rejects as the result came', async () => {
    expect(() => andThen(3, fail)).toThrow('failed');
    await expect(andThen(Promise.resolve(3), fail)).rejects.toThrow('failed');
    await expect(andThen(Promise.reject(new Error('before')), twice)).rejects.toThrow('before');
  });
});

function ending(work: () => number | Promise<number>) {
  const ends: string[] = [];
  return { ends, run: () => withEnd(work, () => ends.push('end')) };
}

describe('the end of work', () => {
  test('comes before the caller has a result that is there', () => {
    const { ends, run } = ending(() => 3);
    expect(run()).toBe(3);
    expect(ends).toEqual(['end']);
  });

  test('comes once, with a result that comes later', async () => {
    const { ends, run } = ending(() => Promise.resolve(3));
    const result = run();
    expect(ends).toEqual([]);
    expect(await result).toBe(3);
    expect(ends).toEqual(['end']);
  });

  test('comes once if the work throws or rejects', async () => {
    const thrown = ending(fail);
    expect(thrown.run).toThrow('failed');
    const rejected = ending(() => Promise.reject(new Error('later')));
    await expect(rejected.run()).rejects.toThrow('later');
    expect([thrown.ends, rejected.ends]).toEqual([['end'], ['end']]);
  });
});
