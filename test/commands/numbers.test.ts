// The commands on values that are numbers: integers of 64 bits and decimals.
import { beforeEach, describe, expect, test } from 'vitest';
import { addDecimals, formatDecimal, parseDecimal } from '../../src/commands/decimal.ts';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);
const notAnInteger = 'ERR value is not an integer or out of range';
const overflow = 'ERR increment or decrement would overflow';

beforeEach(() => {
  session = new CommandSession();
});

describe('INCR and its kin', () => {
  test('begin at 0 and keep the deadline', async () => {
    expect(await type('INCR k')).toBe(1);
    await type('PEXPIRE k 100');
    expect(await type('INCRBY k 10')).toBe(11);
    expect(await type('DECRBY k 20')).toBe(-9);
    expect(await type('DECR k')).toBe(-10);
    expect(await type('GET k')).toBe('-10');
    expect(await type('PTTL k')).toBe(100);
  });

  test('are exact to the last of 64 bits', async () => {
    await type('SET k 9223372036854775806');
    expect(await type('INCR k')).toBe(9223372036854775807n);
    expect(await type('INCR k')).toBe(overflow);
    expect(await type('GET k')).toBe('9223372036854775807');
    await type('SET k -9223372036854775807');
    expect(await type('DECR k')).toBe(-9223372036854775808n);
    expect(await type('DECR k')).toBe(overflow);
    expect(await type('INCRBY k 9223372036854775807')).toBe(-1);
  });

  test('refuse the one decrement that has no negative', async () => {
    expect(await type('DECRBY k -9223372036854775808')).toBe('ERR decrement would overflow');
    expect(await type('DECRBY k -9223372036854775807')).toBe(9223372036854775807n);
  });

  test.each(['', ' 1', '1 ', '+1', '01', '-0', '1.0', '1e3', '9223372036854775808', 'x', '1\0'])(
    'take %j for no integer, as value or increment',
    async (text) => {
      await session.run('SET', 'k', text);
      expect(await type('INCR k')).toBe(notAnInteger);
      expect(await session.run('INCRBY', 'none', text)).toBe(notAnInteger);
      expect(await session.run('DECRBY', 'none', text)).toBe(notAnInteger);
      expect(await type('EXISTS none')).toBe(0);
    },
  );
});

describe('INCRBYFLOAT', () => {
  test.each([
    ['0.1', '0.2', '0.3'],
    ['10.50', '0.1', '10.6'],
    ['5.0e3', '2.0e2', '5200'],
    ['3', '-3', '0'],
    ['-0', '-0.000', '0'],
    ['0', '1e-17', '0.00000000000000001'],
    ['0', '-1e-18', '0'],
    ['1000.1', '0', '1000.1'],
    ['.5', '1.', '1.5'],
    ['0x1p3', '0x.8', '8.5'],
    ['1e30', '1', '1000000000000000000000000000001'],
  ])('of %s and %s is %s', async (value, increment, sum) => {
    await session.run('SET', 'k', value);
    expect(await type(`INCRBYFLOAT k ${increment}`)).toBe(sum);
    expect(await type('GET k')).toBe(sum);
  });

  test('keeps the deadline and begins at 0', async () => {
    expect(await type('INCRBYFLOAT k 1.5')).toBe('1.5');
    await type('PEXPIRE k 100');
    expect(await type('INCRBYFLOAT k 1.5')).toBe('3');
    expect(await type('PTTL k')).toBe(100);
  });

  test.each(['nan', '', ' 1', '1 ', '1e5000', '1e-5000', '.', '0x', '1e', '1,5', '1\0'])(
    'takes %j for no number, as value or increment',
    async (text) => {
      await session.run('SET', 'k', text);
      expect(await type('INCRBYFLOAT k 1')).toBe('ERR value is not a valid float');
      expect(await session.run('INCRBYFLOAT', 'none', text)).toBe('ERR value is not a valid float');
    },
  );

  test('refuses infinity, as an argument or a result', async () => {
    const refusal = 'ERR increment would produce NaN or Infinity';
    expect(await type('INCRBYFLOAT k inf')).toBe(refusal);
    await type('SET k 1.1e4932');
    expect(await type('INCRBYFLOAT k 1.1e4932')).toBe(refusal);
    expect(await type('INCRBYFLOAT k -infinity')).toBe(refusal);
  });

  test('ends soon whatever the exponent', () => {
    expect(parseDecimal('1e99999999999999999999')).toBeUndefined();
    expect(parseDecimal('0e99999999999999999999')).toEqual({ digits: 0n, scale: 0 });
    expect(parseDecimal('9'.repeat(6000))).toBeUndefined();
  });

  test('rounds halves of the last decimal to even', () => {
    const zero = { digits: 0n, scale: 0 };
    const rounded = (digits: bigint) =>
      formatDecimal(addDecimals({ digits, scale: 18 }, zero) ?? zero);
    expect(rounded(25n)).toBe('0.00000000000000002');
    expect(rounded(35n)).toBe('0.00000000000000004');
    expect(rounded(-36n)).toBe('-0.00000000000000004');
  });
});
