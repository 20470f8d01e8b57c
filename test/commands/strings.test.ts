// The commands on whole values: SET and its options, reads, several keys at once.
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(() => {
  session = new CommandSession();
});

describe('SET', () => {
  test('puts any bytes, and GET gives them back', async () => {
    expect(await session.run('SET', 'k\0\xff', '\r\n\0\xfe')).toBe('OK');
    expect(await session.run('get', 'k\0\xff')).toBe('\r\n\0\xfe');
  });

  test('with NX or XX answers nil if the condition does not hold', async () => {
    expect(await type('SET k 1 XX')).toBe(null);
    expect(await type('SET k 1 NX')).toBe('OK');
    expect(await type('SET k 2 NX')).toBe(null);
    expect(await type('SET k 2 XX')).toBe('OK');
    expect(await type('GET k')).toBe('2');
  });

  test('with GET answers the old value, whether or not it sets', async () => {
    expect(await type('SET k 1 GET')).toBe(null);
    expect(await type('SET k 2 GET')).toBe('1');
    expect(await type('SET k 3 NX GET')).toBe('2');
    expect(await type('GET k')).toBe('2');
  });

  test('with IFEQ sets only a key that has that value', async () => {
    expect(await type('SET k new IFEQ old')).toBe(null);
    await type('SET k old');
    expect(await type('SET k new IFEQ other')).toBe(null);
    expect(await type('SET k new IFEQ other GET')).toBe('old');
    expect(await type('SET k new IFEQ old GET')).toBe('old');
    expect(await type('SET k newer IFEQ new PX 5')).toBe('OK');
    expect(await type('PTTL k')).toBe(5);
  });

  test.each(['NX XX', 'IFEQ', 'IFEQ a NX', 'XX IFEQ a', 'IFEQ a IFEQ b', 'EX', 'EX 1 PX 1'])(
    'refuses %s',
    async (options) => {
      expect(await type(`SET k v ${options}`)).toBe('ERR syntax error');
      expect(await type('GET k')).toBe(null);
    },
  );

  test('lifts a deadline unless KEEPTTL keeps it', async () => {
    await type('SET k v EX 10');
    await type('SET k w KEEPTTL');
    expect(await type('TTL k')).toBe(10);
    await type('SET k w');
    expect(await type('TTL k')).toBe(-1);
  });

  test.each([
    ['EX 10', 10_000],
    ['PX 10', 10],
    ['EXAT 1800000010', 10_000],
    ['PXAT 1800000000010', 10],
    ['ex 1 EX 2', 2000],
  ])('with %s sets a deadline', async (options, ms) => {
    expect(await type(`SET k v ${options}`)).toBe('OK');
    expect(await type('PTTL k')).toBe(ms);
    session.now += ms;
    expect(await type('GET k')).toBe(null);
  });

  test('with a deadline that has passed leaves no entry', async () => {
    await type('SET k v');
    expect(await type('SET k w PXAT 1')).toBe('OK');
    expect(await type('EXISTS k')).toBe(0);
  });

  test.each(['EX 0', 'PX -1', 'EX 9223372036854775807', 'PX 9223372036854775807'])(
    'refuses the deadline %s',
    async (options) => {
      const invalid = "ERR invalid expire time in 'set' command";
      expect(await type(`SET k v ${options}`)).toBe(invalid);
      expect(await type(`SET k v GET ${options}`)).toBe(invalid);
    },
  );

  test('refuses a value past the limit', async () => {
    session = new CommandSession({ valueBytesMax: 3, keysReplyMax: 1 });
    const tooLong = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
    expect(await type('SET k abcd')).toBe(tooLong);
    expect(await type('MSET k abc l abcd')).toBe(tooLong);
    expect(await type('EXISTS k l')).toBe(0);
    session.executor.entries.set('k', { value: 'put by others' });
    expect(await type('PERSIST k')).toBe(0);
    expect(await type('EXPIRE k 1')).toBe(1);
  });
});

test('SETEX and PSETEX name themselves in their errors', async () => {
  expect(await type('SETEX k 10 v')).toBe('OK');
  expect(await type('PSETEX k 10 v')).toBe('OK');
  expect(await type('PTTL k')).toBe(10);
  expect(await type('SETEX k 0 v')).toBe("ERR invalid expire time in 'setex' command");
  expect(await type('PSETEX k x v')).toBe('ERR value is not an integer or out of range');
});

test('SETNX, GETSET and GETDEL', async () => {
  expect(await type('SETNX k 1')).toBe(1);
  expect(await type('SETNX k 2')).toBe(0);
  await type('PEXPIRE k 100');
  expect(await type('GETSET k 3')).toBe('1');
  expect(await type('PTTL k')).toBe(-1);
  expect(await type('GETDEL k')).toBe('3');
  expect(await type('GETDEL k')).toBe(null);
});

test('GETEX changes the deadline, or deletes if it has passed', async () => {
  await type('SET k v');
  expect(await type('GETEX k PX 10')).toBe('v');
  expect(await type('PTTL k')).toBe(10);
  expect(await type('GETEX k')).toBe('v');
  expect(await type('GETEX k PERSIST')).toBe('v');
  expect(await type('PTTL k')).toBe(-1);
  expect(await type('GETEX k EX 1 PERSIST')).toBe('ERR syntax error');
  expect(await type('GETEX k EX 0')).toBe("ERR invalid expire time in 'getex' command");
  expect(await type('GETEX none EX 0')).toBe(null);
  expect(await type('GETEX k PXAT 1')).toBe('v');
  expect(await type('GETEX k')).toBe(null);
});

test('MSET sets all, the last of equal keys counts, MSETNX all or none', async () => {
  expect(await type('MSET a 1 b 2 a 3')).toBe('OK');
  expect(await type('MGET a b c')).toEqual(['3', '2', null]);
  expect(await type('MSETNX c 1 b 1')).toBe(0);
  expect(await type('MSETNX c 1 d 1')).toBe(1);
  expect(await type('MSET a')).toBe("ERR wrong number of arguments for 'mset' command");
  expect(await type('MSETNX c 1 d')).toBe("ERR wrong number of arguments for 'msetnx' command");
});

describe('words that are no command', () => {
  test('are repeated in the error, at most 128 bytes of arguments', async () => {
    expect(await type('HSET k f v')).toBe(
      "ERR unknown command 'HSET', with args beginning with: 'k' 'f' 'v' ",
    );
    const long = 'x'.repeat(200);
    expect(await session.run(long, long, 'y')).toBe(
      `ERR unknown command '${'x'.repeat(128)}', with args beginning with: '${'x'.repeat(128)}' `,
    );
  });

  test('put no line break and nothing behind a NUL into it', async () => {
    expect(await session.run('a\r\nb', 'c\0d')).toBe(
      "ERR unknown command 'a  b', with args beginning with: 'c' ",
    );
  });

  test('of a wrong number are refused', async () => {
    expect(await type('GET')).toBe("ERR wrong number of arguments for 'get' command");
    expect(await type('get a b')).toBe("ERR wrong number of arguments for 'get' command");
  });
});
