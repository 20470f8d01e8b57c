// The commands on parts of values, by offsets in bytes.
import { argumentAt, int64At } from './argument.ts';
import {
  answer,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { byteRange } from './index-range.ts';
import { bulk, RedisError, integer, tooLong } from './reply.ts';

function append({ args, limits, entries: [old] }: KeyedCall): CommandOutcome {
  const value = (old?.value ?? '') + argumentAt(args, 1);
  if (value.length > limits.valueBytesMax) throw new RedisError(tooLong);
  return answerAndPut(integer(value.length), value, old?.expiresAt);
}

function getrange({ args, entries: [old] }: KeyedCall): CommandOutcome {
  const [first, last] = [int64At(args, 1), int64At(args, 2)];
  const value = old?.value ?? '';
  const range = byteRange(first, last, value.length);
  return answer(bulk(range === undefined ? '' : value.slice(range.first, range.last + 1)));
}

/** Fills a gap before the offset with NULs. An empty part changes nothing, and makes no key. */
function setrange({ args, limits, entries: [old] }: KeyedCall): CommandOutcome {
  const offset = int64At(args, 1);
  if (offset < 0n) throw new RedisError('offset is out of range');
  const [value, part] = [old?.value ?? '', argumentAt(args, 2)];
  if (part === '') return answer(integer(value.length));
  if (offset + BigInt(part.length) > limits.valueBytesMax) throw new RedisError(tooLong);
  const at = Number(offset);
  const bytes = Buffer.alloc(Math.max(value.length, at + part.length));
  bytes.write(value, 'latin1');
  bytes.write(part, at, 'latin1');
  return answerAndPut(integer(bytes.length), bytes.toString('latin1'), old?.expiresAt);
}

export const rangeCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'append',
    arity: 3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key value',
    summary: 'Appends to the value and gives its new length.',
    run: append,
  },
  {
    kind: 'keyed',
    name: 'getrange',
    arity: 4,
    keys: oneKey,
    access: 'read',
    syntax: 'key start end',
    summary: 'Gives the bytes of the value from start to end; negative indexes count from its end.',
    run: getrange,
  },
  {
    kind: 'keyed',
    name: 'substr',
    arity: 4,
    keys: oneKey,
    access: 'read',
    syntax: 'key start end',
    summary: 'The old name of GETRANGE.',
    run: getrange,
  },
  {
    kind: 'keyed',
    name: 'setrange',
    arity: 4,
    keys: oneKey,
    access: 'write',
    syntax: 'key offset value',
    summary: 'Overwrites part of the value and gives its new length.',
    run: setrange,
  },
];
