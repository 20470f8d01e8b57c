import { expect, test } from 'vitest';
import { partOfFile } from '../../src/storage/file-part.ts';
import { readLines } from '../../src/storage/line-reader.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

const files = new MemoryFileSystem();
files.put('/f', Buffer.from('0123456789'));
const file = files.openReadOnly('/f');

test('a part of a file reads its own bytes and none outside of it', () => {
  const part = partOfFile(file, 3, 7);
  expect(part.size()).toBe(4);
  const target = Buffer.alloc(10, '-');
  expect([part.read(target, 0), target.toString()]).toEqual([4, '3456------']);
  expect([part.read(target, 3), part.read(target, 4), part.read(target, 99)]).toEqual([1, 0, 0]);
});

test('closing a part of a file leaves the file open', () => {
  partOfFile(file, 0, 5).close();
  expect([...readLines(partOfFile(file, 8, 10))]).toMatchObject([{ offset: 0, complete: false }]);
});
