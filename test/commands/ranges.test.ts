// The commands on parts of values, by offsets in bytes.
import { beforeEach, expect, test } from 'vitest';
import { CommandSession } from '../support/stores/command-session.ts';

const tooLong = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
const notAnInteger = 'ERR value is not an integer or out of range';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(() => {
  session = new CommandSession({ valueBytesMax: 24, keysReplyMax: 10 });
});

test('APPEND makes a key, keeps its deadline, and stops at the limit', async () => {
  expect(await type('APPEND k 123456789012')).toBe(12);
  await type('PEXPIRE k 100');
  expect(await type('APPEND k 123456789012')).toBe(24);
  expect(await type('PTTL k')).toBe(100);
  expect(await type('APPEND k 1')).toBe(tooLong);
  expect(await session.run('APPEND', 'k', '')).toBe(24);
  expect(await type('STRLEN k')).toBe(24);
  expect(await session.run('APPEND', 'empty', '')).toBe(0);
  expect(await type('EXISTS empty')).toBe(1);
});

test.each([
  ['0 3', 'This'],
  ['-3 -1', 'ing'],
  ['0 -1', 'This is a string'],
  ['10 100', 'string'],
  ['-100 -99', 'T'],
  ['-1 -3', ''],
  ['5 3', ''],
  ['16 20', ''],
  ['-9223372036854775808 9223372036854775807', 'This is a string'],
])('GETRANGE of %s gives %j', async (range, part) => {
  await session.run('SET', 'k', 'This is a string');
  expect(await type(`GETRANGE k ${range}`)).toBe(part);
  expect(await type(`SUBSTR k ${range}`)).toBe(part);
  expect(await type(`GETRANGE none ${range}`)).toBe('');
});

test('GETRANGE judges its numbers before it looks for the key', async () => {
  expect(await type('GETRANGE none 0 x')).toBe(notAnInteger);
});

test('SETRANGE overwrites, and fills a gap with NULs', async () => {
  expect(await type('SETRANGE k 3 ab')).toBe(5);
  expect(await type('GET k')).toBe('\0\0\0ab');
  expect(await session.run('SETRANGE', 'k', 1, '\xff\xfe')).toBe(5);
  expect(await type('GET k')).toBe('\0\xff\xfeab');
  await type('PEXPIRE k 100');
  expect(await type('SETRANGE k 0 x')).toBe(5);
  expect(await type('PTTL k')).toBe(100);
});

test('SETRANGE of no bytes changes nothing', async () => {
  expect(await session.run('SETRANGE', 'k', 1000, '')).toBe(0);
  expect(await type('EXISTS k')).toBe(0);
});

test.each([
  ['-1', 'ERR offset is out of range'],
  ['x', notAnInteger],
  ['24', tooLong],
  ['9223372036854775807', tooLong],
])('SETRANGE at %s is refused', async (offset, message) => {
  expect(await type(`SETRANGE k ${offset} a`)).toBe(message);
  expect(await type('SETRANGE k 23 a')).toBe(24);
});
