import { expect, test } from 'vitest';
import { readLines } from '../../src/storage/line-reader.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

function linesOf(
  content: Buffer,
  end?: number,
): [text: string, offset: number, complete: boolean][] {
  const files = new MemoryFileSystem();
  files.put('/lines', content);
  return Array.from(readLines(files.openReadOnly('/lines'), end), ({ bytes, offset, complete }) => {
    const text = bytes.length > 100 ? `${bytes.length} bytes` : bytes.toString();
    return [text, offset, complete];
  });
}

test('lines come with their offsets, the last one incomplete if no newline ends it', () => {
  expect(linesOf(Buffer.from('a\n\nbc\nd'))).toEqual([
    ['a', 0, true],
    ['', 2, true],
    ['bc', 3, true],
    ['d', 6, false],
  ]);
});

test('an empty file has no lines', () => {
  expect(linesOf(Buffer.alloc(0))).toEqual([]);
});

test('nothing behind the end asked for is read', () => {
  expect(linesOf(Buffer.from('a\nb\nc\n'), 3)).toEqual([
    ['a', 0, true],
    ['b', 2, false],
  ]);
});

test('a line may be longer than what is read at once', () => {
  const long = Buffer.alloc(9 * 1024 * 1024, 'x');
  const content = Buffer.concat([Buffer.from('a\n'), long, Buffer.from('\nb\n')]);
  expect(linesOf(content)).toEqual([
    ['a', 0, true],
    [`${long.length} bytes`, 2, true],
    ['b', 3 + long.length, true],
  ]);
});
