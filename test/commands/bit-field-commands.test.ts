// BITFIELD and BITFIELD_RO: values as arrays of integers.
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandSession, plain } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(() => {
  session = new CommandSession({ valueBytesMax: 24, keysReplyMax: 10 });
});

test('fields are read, written and counted, in order', async () => {
  expect(await type('BITFIELD k SET u8 0 255 GET u8 0 INCRBY u8 #1 7 GET u16 0')).toEqual([
    0, 255, 7, 0xff07,
  ]);
  expect(await type('GET k')).toBe('\xff\x07');
  expect(await type('BITFIELD k GET i4 0 GET i5 11 GET u3 13 GET u8 100')).toEqual([-1, 7, 7, 0]);
  expect(await type('bitfield_ro k get u4 8 get i8 0')).toEqual([0, -1]);
});

test.each([
  ['i64', '9223372036854775807', 9223372036854775807n],
  ['i64', '-9223372036854775808', -9223372036854775808n],
  ['u63', '9223372036854775807', 9223372036854775807n],
  ['i55', '-9007199254740993', -9007199254740993n],
  ['u53', '9007199254740991', 9007199254740991],
  ['i53', '-4503599627370496', -4503599627370496],
  ['u52', '4503599627370495', 4503599627370495],
  ['i52', '-2251799813685248', -2251799813685248],
  ['i1', '-1', -1],
  ['u1', '1', 1],
])('%s holds %s exactly, at any bit, beside others', async (field, value, read) => {
  await session.run('SET', 'k', '\xaa'.repeat(17));
  for (let offset = 0; offset < 64; offset++) {
    const around = `GET u7 ${offset + 7 + Number(field.slice(1))}`;
    const [before, behind] = (await type(`BITFIELD k GET u7 ${offset} ${around}`)) as number[];
    await type(`BITFIELD k SET ${field} ${offset + 7} ${value}`);
    expect(await type(`BITFIELD k GET u7 ${offset} GET ${field} ${offset + 7} ${around}`)).toEqual([
      before,
      read,
      behind,
    ]);
  }
  expect(await type('STRLEN k')).toBe(17);
});

describe('an integer that does not fit', () => {
  test.each([
    ['OVERFLOW FAIL OVERFLOW WRAP', [200, 44, -6]],
    ['OVERFLOW WRAP', [200, 44, -6]],
    ['overflow sat', [200, 255, 7]],
    ['OVERFLOW FAIL', [200, null, null]],
  ])('%s', async (overflow, replies) => {
    await type('BITFIELD k SET i4 8 5');
    const steps = `${overflow} INCRBY u8 0 200 INCRBY u8 0 100 INCRBY i4 8 5`;
    expect(await type(`BITFIELD k ${steps}`)).toEqual(replies);
  });

  test('is judged by the last OVERFLOW before it', async () => {
    const steps = 'SET u2 0 3 OVERFLOW FAIL INCRBY u2 0 1 OVERFLOW SAT INCRBY u2 0 1';
    expect(await type(`BITFIELD k ${steps} GET u2 0`)).toEqual([0, null, 3, 3]);
    expect(await type('BITFIELD k OVERFLOW SAT SET u8 0 -1 SET i8 8 -200 GET u8 0')).toEqual([
      192, 0, 255,
    ]);
    expect(await type('BITFIELD k GET i8 8')).toEqual([-128]);
  });
});

test('the deadline stays, a read makes no key, and a write that fails does, as in Redis', async () => {
  await type('SET k a PX 100');
  await type('BITFIELD k SET u8 16 1');
  expect([await type('PTTL k'), await type('GET k')]).toEqual([100, 'a\0\x01']);
  expect(await type('BITFIELD none GET u8 0')).toEqual([0]);
  expect([await type('BITFIELD none'), await type('EXISTS none')]).toEqual([[], 0]);
  expect(await type('BITFIELD made OVERFLOW FAIL INCRBY u2 9 4')).toEqual([null]);
  expect(await type('GET made')).toBe('\0\0');
});

test('a value grows up to the limit and not past it; behind it there are zeros', async () => {
  const message = 'ERR bit offset is not an integer or out of range';
  expect(await type('BITFIELD k SET u8 184 1')).toEqual([0]);
  expect(await type('STRLEN k')).toBe(24);
  expect(await type('BITFIELD k SET u8 185 1')).toBe(message);
  expect(await type('BITFIELD k INCRBY u8 #24 1')).toBe(message);
  expect(await type('BITFIELD k GET u9 184 GET u8 4294967295')).toEqual([2, 0]);
  expect(await type('BITFIELD k GET u8 4294967296')).toBe(message);
});

test.each([
  ['BITFIELD k GET u64 0', 'ERR Invalid bitfield type.'],
  ['BITFIELD k GET i65 0', 'ERR Invalid bitfield type.'],
  ['BITFIELD k GET U8 0', 'ERR Invalid bitfield type.'],
  ['BITFIELD k GET u0 0', 'ERR Invalid bitfield type.'],
  ['BITFIELD k GET u08 0', 'ERR Invalid bitfield type.'],
  ['BITFIELD k GET u8 x', 'ERR bit offset is not an integer or out of range'],
  ['BITFIELD k GET u8 -1', 'ERR bit offset is not an integer or out of range'],
  ['BITFIELD k GET u8 #', 'ERR bit offset is not an integer or out of range'],
  ['BITFIELD k SET u8 0 x', 'ERR value is not an integer or out of range'],
  ['BITFIELD k SET u8 0', 'ERR syntax error'],
  ['BITFIELD k GET u8', 'ERR syntax error'],
  ['BITFIELD k PUT u8 0 1', 'ERR syntax error'],
  ['BITFIELD k OVERFLOW', 'ERR syntax error'],
  ['BITFIELD k OVERFLOW no', 'ERR Invalid OVERFLOW type specified'],
  ['BITFIELD k SET u8 0 9 GET u8', 'ERR syntax error'],
  ['BITFIELD_RO k GET u8 0 SET u8 0 1', 'ERR BITFIELD_RO only supports the GET subcommand'],
  ['BITFIELD_RO k SET u8 0 1 GET', 'ERR syntax error'],
])('%s changes nothing and answers %s', async (line, message) => {
  expect(await type(line)).toMatch(new RegExp(`^${message}`));
  expect(await type('EXISTS k')).toBe(0);
});

async function lastOf(steps: number): Promise<unknown> {
  const words = Array.from({ length: steps }, () => ['INCRBY', 'u16', '0', '1']).flat();
  const command = ['BITFIELD', 'k'].concat(words);
  const reply = plain(await session.executor.execute(command, session.now));
  return Array.isArray(reply) ? reply.at(-1) : reply;
}

test('one command takes 100,000 steps and no more', async () => {
  expect(await lastOf(100_000)).toBe(100_000 % 65_536);
  expect(await lastOf(100_001)).toMatch(/^ERR at most 100000 subcommands/);
});
