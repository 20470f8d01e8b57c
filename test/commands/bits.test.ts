// The commands on values as strings of bits.
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);
const set = (value: string) => session.run('SET', 'k', value);

beforeEach(() => {
  session = new CommandSession({ valueBytesMax: 24, keysReplyMax: 10 });
});

describe('SETBIT and GETBIT', () => {
  test('count from the highest bit of the first byte, and make room with zeros', async () => {
    expect(await type('SETBIT k 7 1')).toBe(0);
    expect(await type('SETBIT k 16 1')).toBe(0);
    expect(await type('GET k')).toBe('\x01\0\x80');
    expect(await type('SETBIT k 7 0')).toBe(1);
    expect(await type('GET k')).toBe('\0\0\x80');
    expect(await type('GETBIT k 16')).toBe(1);
    expect(await type('GETBIT k 100')).toBe(0);
    expect(await type('GETBIT none 0')).toBe(0);
  });

  test('a cleared bit behind the end lengthens the value', async () => {
    expect(await type('SETBIT k 9 0')).toBe(0);
    expect(await type('STRLEN k')).toBe(2);
  });

  test('keep the deadline', async () => {
    await type('SET k a PX 100');
    await type('SETBIT k 20 1');
    expect(await type('PTTL k')).toBe(100);
  });

  test.each(['-1', '4294967296', 'x', '#1', '9223372036854775807'])(
    'refuse the offset %s',
    async (offset) => {
      const message = 'ERR bit offset is not an integer or out of range';
      expect(await type(`SETBIT k ${offset} x`)).toBe(message);
      expect(await type(`GETBIT k ${offset}`)).toBe(message);
    },
  );

  test.each(['192', '4294967295'])(
    'find nothing set at %s, past the limit of a value, and set nothing there',
    async (offset) => {
      const message = 'ERR bit offset is not an integer or out of range';
      expect(await type('SETBIT k 191 1')).toBe(0);
      expect(await type(`SETBIT k ${offset} 1`)).toBe(message);
      expect(await type(`GETBIT k ${offset}`)).toBe(0);
      expect(await type(`GETBIT none ${offset}`)).toBe(0);
      expect(await type('STRLEN k')).toBe(24);
    },
  );

  test('refuse a bit that is neither 0 nor 1', async () => {
    expect(await type('SETBIT k 0 2')).toBe('ERR bit is not an integer or out of range');
    expect(await type('EXISTS k')).toBe(0);
  });
});

describe('BITCOUNT', () => {
  test.each([
    ['', 26],
    [' 0 0', 4],
    [' 1 1', 6],
    [' 0 -5', 10],
    [' 5 30 BIT', 17],
    [' 5 30 byte', 4],
    [' 0 5 BIT', 3],
    [' 3 3 bit', 0],
    [' -1 -2', 0],
    [' 10 20', 0],
  ])('of foobar with%s is %i', async (range, count) => {
    await set('foobar');
    expect(await type(`BITCOUNT k${range}`)).toBe(count);
  });

  test('looks at its arguments only if there is a key', async () => {
    expect(await type('BITCOUNT none x')).toBe(0);
    await set('a');
    expect(await type('BITCOUNT k 0')).toBe('ERR syntax error');
    expect(await type('BITCOUNT k 0 1 BITS')).toBe('ERR syntax error');
    expect(await type('BITCOUNT k 0 x BITS')).toBe('ERR value is not an integer or out of range');
  });
});

describe('BITPOS', () => {
  test.each([
    ['\xff\xf0\0', '0', 12],
    ['\0\xff\xf0', '1', 8],
    ['\0\xff\xf0', '1 2', 16],
    ['\0\xff\xf0', '1 2 -1 BYTE', 16],
    ['\0\xff\xf0', '1 7 15 BIT', 8],
    ['\0\xff\xf0', '0 8 19 BIT', -1],
    ['\0\0\0', '1', -1],
    ['\xff\xff', '0', 16],
    ['\xff\xff', '0 0 -1', -1],
    ['\xff\xff', '0 5', -1],
    ['', '0', -1],
  ])('in %j of %s is %i', async (value, args, position) => {
    await set(value);
    expect(await type(`BITPOS k ${args}`)).toBe(position);
  });

  test('takes a missing key for zeros without end', async () => {
    expect(await type('BITPOS none 0')).toBe(0);
    expect(await type('BITPOS none 1 x y z')).toBe(-1);
  });

  test('refuses what is no bit', async () => {
    expect(await type('BITPOS none 2')).toBe('ERR The bit argument must be 1 or 0.');
  });
});

describe('BITOP', () => {
  test.each([
    ['AND', '\x60\0'],
    ['or', '\xe5\x0f'],
    ['XOR', '\x85\x0f'],
  ])('%s takes shorter values for longer ones with zeros', async (operator, result) => {
    await session.run('MSET', 'a', '\xe4\x0f', 'b', '\x61');
    expect(await type(`BITOP ${operator} k a b`)).toBe(2);
    expect(await type('GET k')).toBe(result);
  });

  test('NOT takes one value', async () => {
    await session.run('SET', 'a', '\x0f\xff');
    expect(await type('BITOP NOT a a')).toBe(2);
    expect(await type('GET a')).toBe('\xf0\0');
    expect(await type('BITOP NOT a a b')).toBe(
      'ERR BITOP NOT must be called with a single source key.',
    );
    expect(await type('BITOP NAND a a')).toBe('ERR syntax error');
  });

  test('of nothing deletes the destination', async () => {
    await type('SET k v');
    expect(await type('BITOP OR k none nobody')).toBe(0);
    expect(await type('EXISTS k')).toBe(0);
  });
});
