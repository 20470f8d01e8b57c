// Reads a pipe as a file. Each byte is read once and in order, whatever the sizes of the pieces.
import { expect, test } from 'vitest';
import { readLines } from '../../src/storage/line-reader.ts';
import { pipeOf } from '../support/disk/pipe-of.ts';

const lines = Array.from({ length: 400 }, (_, index) => `line ${index} ${'x'.repeat(index)}`);
const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));

test.each([1, 7, 4095, 4096, 4097, 65_536, 10_000_000])(
  'a pipe that gives pieces of %i is read line by line, and its beginning twice',
  (pieceBytes) => {
    const file = pipeOf(text, pieceBytes);
    const beginning = Buffer.alloc(10);
    for (let again = 0; again < 2; again++) {
      expect(file.read(beginning, 0)).toBe(10);
      expect(beginning.toString()).toBe('line 0 \nli');
    }
    let found = 0;
    for (const { bytes } of readLines(file)) expect(bytes.toString()).toBe(lines[found++]);
    expect(found).toBe(lines.length);
  },
);

test('a pipe that is shorter than the kept beginning has its end', () => {
  for (const length of [0, 1, 9, 10, 4095, 4096, 4097]) {
    const file = pipeOf(text.subarray(0, length), 3);
    file.read(Buffer.alloc(10), 0);
    let read = 0;
    const target = Buffer.alloc(1000);
    for (let count = file.read(target, 0); count > 0; count = file.read(target, read)) {
      expect(target.subarray(0, count)).toEqual(text.subarray(read, read + count));
      read += count;
    }
    expect(read).toBe(length);
  }
});

test('bytes behind the kept beginning cannot be read again', () => {
  const file = pipeOf(text, 10_000_000);
  const target = Buffer.alloc(8192);
  expect(file.read(target, 0)).toBe(4096);
  expect(file.read(target, 4096)).toBe(8192);
  expect(() => file.read(target, 5000)).toThrow('nothing can be read at 5000 any more');
});
