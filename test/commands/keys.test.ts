// The commands on keys of any content: delete, exist, copy, rename.
import { beforeEach, expect, test } from 'vitest';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(async () => {
  session = new CommandSession();
  await type('MSET a 1 b 2');
});

test('DEL and UNLINK count a key once, EXISTS and TOUCH as often as it comes', async () => {
  expect(await type('EXISTS a a b none')).toBe(3);
  expect(await type('TOUCH a none')).toBe(1);
  expect(await type('DEL a a none')).toBe(1);
  expect(await type('UNLINK a b')).toBe(1);
  expect(await type('EXISTS a b')).toBe(0);
});

test('TYPE knows strings alone', async () => {
  expect(await type('TYPE a')).toBe('string');
  expect(await type('TYPE none')).toBe('none');
});

test('RENAME takes value and deadline along, over any other entry', async () => {
  await type('PEXPIRE a 500');
  expect(await type('RENAME a b')).toBe('OK');
  expect(await type('MGET a b')).toEqual([null, '1']);
  expect(await type('PTTL b')).toBe(500);
  expect(await type('RENAME a b')).toBe('ERR no such key');
  expect(await type('RENAME b b')).toBe('OK');
});

test('RENAMENX leaves an existing entry', async () => {
  expect(await type('RENAMENX a b')).toBe(0);
  expect(await type('RENAMENX a a')).toBe(0);
  expect(await type('RENAMENX a c')).toBe(1);
  expect(await type('MGET a b c')).toEqual([null, '2', '1']);
  expect(await type('RENAMENX a c')).toBe('ERR no such key');
});

test('COPY takes value and deadline along, over an old value only with REPLACE', async () => {
  await type('PEXPIRE a 500');
  expect(await type('COPY a b')).toBe(0);
  expect(await type('COPY a b REPLACE DB 0')).toBe(1);
  expect(await type('MGET a b')).toEqual(['1', '1']);
  expect(await type('PTTL b')).toBe(500);
  expect(await type('COPY none c')).toBe(0);
});

test.each([
  ['a a', 'source and destination objects are the same'],
  ['a c DB 1', 'DB index is out of range'],
  ['a c DB x', 'value is not an integer or out of range'],
  ['a c DB 2147483648', 'value is out of range, value must between -2147483648 and 2147483647'],
  ['a c DB', 'syntax error'],
])('COPY %s is refused', async (args, message) => {
  expect(await type(`COPY ${args}`)).toBe(`ERR ${message}`);
});
