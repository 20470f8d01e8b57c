// The commands on deadlines of keys: set under conditions, read, remove.
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(async () => {
  session = new CommandSession();
  await type('SET k v');
});

describe('a deadline', () => {
  test.each([
    ['EXPIRE k 10', 10_000],
    ['PEXPIRE k 10', 10],
    ['EXPIREAT k 1800000010', 10_000],
    ['PEXPIREAT k 1800000000010', 10],
  ])('is set by %s, and the key is gone when it comes', async (line, ms) => {
    expect(await type(line)).toBe(1);
    expect(await type('PTTL k')).toBe(ms);
    expect(await type('PEXPIRETIME k')).toBe(session.now + ms);
    session.now += ms - 1;
    expect(await type('GET k')).toBe('v');
    session.now += 1;
    expect(await type('GET k')).toBe(null);
    expect(await type('TTL k')).toBe(-2);
  });

  test.each(['EXPIRE k 0', 'EXPIRE k -1', 'EXPIREAT k 1', 'PEXPIREAT k -9223372036854775808'])(
    'that has passed deletes at once: %s',
    async (line) => {
      expect(await type(line)).toBe(1);
      expect(await type('EXISTS k')).toBe(0);
      expect(await type(line)).toBe(0);
    },
  );

  test('is read in seconds to the nearest', async () => {
    await type('PEXPIRE k 1499');
    expect(await type('TTL k')).toBe(1);
    await type('PEXPIRE k 1500');
    expect(await type('TTL k')).toBe(2);
    expect(await type('EXPIRETIME k')).toBe(1_800_000_002);
  });

  test('is -1 if there is none, and PERSIST removes it', async () => {
    expect(await type('TTL k')).toBe(-1);
    expect(await type('PEXPIRETIME k')).toBe(-1);
    expect(await type('PERSIST k')).toBe(0);
    await type('EXPIRE k 10');
    expect(await type('PERSIST k')).toBe(1);
    expect(await type('PTTL k')).toBe(-1);
    expect(await type('PERSIST none')).toBe(0);
  });

  test('past the year 287396 is that year', async () => {
    expect(await type('PEXPIREAT k 9223372036854775807')).toBe(1);
    expect(await type('PEXPIRETIME k')).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each([
    'EXPIRE k 9223372036854775807',
    'EXPIRE k 9223372036854775',
    'PEXPIRE k 9223372036854775807',
    'EXPIREAT k -9223372036854776',
  ])('that overflows is refused: %s', async (line) => {
    const name = line.split(' ')[0]?.toLowerCase();
    expect(await type(line)).toBe(`ERR invalid expire time in '${name}' command`);
  });
});

describe('EXPIRE', () => {
  test('with NX sets only a first deadline, with XX only another one', async () => {
    expect(await type('EXPIRE k 10 XX')).toBe(0);
    expect(await type('EXPIRE k 10 NX')).toBe(1);
    expect(await type('EXPIRE k 20 NX')).toBe(0);
    expect(await type('EXPIRE k 30 XX')).toBe(1);
    expect(await type('TTL k')).toBe(30);
  });

  test('with GT or LT compares, and no deadline is later than any', async () => {
    expect(await type('EXPIRE k 10 GT')).toBe(0);
    expect(await type('EXPIRE k 10 LT')).toBe(1);
    expect(await type('EXPIRE k 10 GT')).toBe(0);
    expect(await type('EXPIRE k 11 gt xx')).toBe(1);
    expect(await type('EXPIRE k 11 LT')).toBe(0);
    expect(await type('EXPIRE k -1 LT XX')).toBe(1);
    expect(await type('EXISTS k')).toBe(0);
  });

  test.each([
    ['NX XX', 'NX and XX, GT or LT options at the same time are not compatible'],
    ['NX GT', 'NX and XX, GT or LT options at the same time are not compatible'],
    ['GT LT', 'GT and LT options at the same time are not compatible'],
    ['NX foo', 'Unsupported option foo'],
  ])('refuses %s, before it looks at the time', async (options, message) => {
    expect(await type(`EXPIRE k x ${options}`)).toBe(`ERR ${message}`);
  });
});
