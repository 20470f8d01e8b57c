// The commands on values that are numbers: exact 64-bit integers, and decimals.
import { argumentAt, int64At, int64Max, int64Min, parseInt64 } from './argument.ts';
import {
  answerAndPut,
  oneKey,
  type CommandEntry,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { addDecimals, formatDecimal, parseDecimal } from './decimal.ts';
import { bulk, RedisError, integer, notAnInteger } from './reply.ts';

/** @throws RedisError */
function add(old: CommandEntry | undefined, increment: bigint): CommandOutcome {
  const value = old === undefined ? 0n : parseInt64(old.value);
  if (value === undefined) throw new RedisError(notAnInteger);
  const sum = value + increment;
  if (sum > int64Max || sum < int64Min)
    throw new RedisError('increment or decrement would overflow');
  return answerAndPut(integer(sum), sum.toString(), old?.expiresAt);
}

function incrby({ args, entries: [old] }: KeyedCall): CommandOutcome {
  return add(old, int64At(args, 1));
}

function decrby({ args, entries: [old] }: KeyedCall): CommandOutcome {
  const decrement = int64At(args, 1);
  // The negative of this number is no 64-bit integer.
  if (decrement === int64Min) throw new RedisError('decrement would overflow');
  return add(old, -decrement);
}

/** As in Redis, a bad value is reported before a bad increment. */
function incrbyfloat({ args, entries: [old] }: KeyedCall): CommandOutcome {
  const value = parseDecimal(old?.value ?? '0');
  const increment = value === undefined ? undefined : parseDecimal(argumentAt(args, 1));
  if (value === undefined || increment === undefined)
    throw new RedisError('value is not a valid float');
  const isFinite = value !== 'infinity' && increment !== 'infinity';
  const sum = isFinite ? addDecimals(value, increment) : undefined;
  if (sum === undefined) throw new RedisError('increment would produce NaN or Infinity');
  const text = formatDecimal(sum);
  return answerAndPut(bulk(text), text, old?.expiresAt);
}

export const numberCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'incr',
    arity: 2,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key',
    summary: 'Adds one to the integer and gives the sum; a missing key counts as 0.',
    run: ({ entries: [old] }) => add(old, 1n),
  },
  {
    kind: 'keyed',
    name: 'decr',
    arity: 2,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key',
    summary: 'Subtracts one from the integer and gives the difference.',
    run: ({ entries: [old] }) => add(old, -1n),
  },
  {
    kind: 'keyed',
    name: 'incrby',
    arity: 3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key increment',
    summary: 'Adds to the integer and gives the sum.',
    run: incrby,
  },
  {
    kind: 'keyed',
    name: 'decrby',
    arity: 3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key decrement',
    summary: 'Subtracts from the integer and gives the difference.',
    run: decrby,
  },
  {
    kind: 'keyed',
    name: 'incrbyfloat',
    arity: 3,
    keys: oneKey,
    access: 'write',
    syntax: 'key increment',
    summary: 'Adds to the decimal number and gives the sum, to 17 decimals.',
    run: incrbyfloat,
  },
];
