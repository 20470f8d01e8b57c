// The commands that treat values as strings of bits.
import { argumentAt, int64At, optionWord, parseInt64 } from './argument.ts';
import { bitOffset, readableBytesMax } from './bit-offset.ts';
import { bitAt, bytesOfByteString, combine, countOnes, findBit, inverted } from './bits.ts';
import {
  answer,
  answerAndDelete,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { indexRange, isReversed, type IndexRange } from './index-range.ts';
import { RedisError, integer, syntaxError, zero } from './reply.ts';

function getbit({ args, entries: [old] }: KeyedCall): CommandOutcome {
  const offset = bitOffset(parseInt64(argumentAt(args, 1)), readableBytesMax);
  return answer(integer(bitAt(old?.value ?? '', offset)));
}

/** Setting a bit to its present value is no change, unless the value has to grow. */
function setbit(call: KeyedCall): CommandOutcome {
  const offset = bitOffset(parseInt64(argumentAt(call.args, 1)), call.limits.valueBytesMax);
  const message = 'bit is not an integer or out of range';
  const bit = int64At(call.args, 2, message);
  if (bit !== 0n && bit !== 1n) throw new RedisError(message);
  const [old] = call.entries;
  const value = old?.value ?? '';
  const [before, at] = [bitAt(value, offset), Math.floor(offset / 8)];
  if (at < value.length && before === Number(bit)) return answer(integer(before));
  const bytes = Buffer.alloc(Math.max(value.length, at + 1));
  bytes.write(value, 'latin1');
  const mask = 0x80 >> (offset % 8);
  bytes[at] = bit === 1n ? (bytes[at] ?? 0) | mask : (bytes[at] ?? 0) & ~mask;
  return answerAndPut(integer(before), bytes.toString('latin1'), old?.expiresAt);
}

/**
 * @returns true if indexes count bits, false if bytes
 * @throws RedisError
 */
function countsBits(args: readonly string[], index: number): boolean {
  const word = index < args.length ? optionWord(argumentAt(args, index)) : 'BYTE';
  if (word !== 'BIT' && word !== 'BYTE') throw syntaxError();
  return word === 'BIT';
}

/** The range of bits that a range of bits or bytes covers. */
function bitsOf(first: bigint, last: bigint, inBits: boolean, length: number) {
  if (inBits) return indexRange(first, last, length * 8);
  const range = indexRange(first, last, length);
  return range && ({ first: range.first * 8, last: range.last * 8 + 7 } satisfies IndexRange);
}

/** As in Redis, the other arguments are not checked if there is no key. */
function bitcount({ args, entries: [old] }: KeyedCall): CommandOutcome {
  if (old === undefined) return answer(zero);
  if (args.length === 2 || args.length > 4) throw syntaxError();
  const isWhole = args.length === 1;
  const [first, last] = isWhole ? [0n, -1n] : [int64At(args, 1), int64At(args, 2)];
  if (isReversed(first, last)) return answer(zero);
  const range = bitsOf(first, last, countsBits(args, 3), old.value.length);
  if (range === undefined) return answer(zero);
  return answer(integer(countOnes(bytesOfByteString(old.value), range.first, range.last)));
}

/** @throws RedisError */
function bitposRange(args: readonly string[], length: number): IndexRange | undefined {
  if (args.length > 5) throw syntaxError();
  const first = args.length > 2 ? int64At(args, 2) : 0n;
  const inBits = countsBits(args, 4);
  const last = args.length > 3 ? int64At(args, 3) : -1n;
  return bitsOf(first, last, inBits, length);
}

/** Zeros follow the value without end, but only if the call gives no end of the range. */
function bitpos({ args, entries: [old] }: KeyedCall): CommandOutcome {
  const number = int64At(args, 1);
  if (number !== 0n && number !== 1n) throw new RedisError('The bit argument must be 1 or 0.');
  const bit = number === 0n ? 0 : 1;
  if (old === undefined) return answer(integer(bit === 1 ? -1 : 0));
  const range = bitposRange(args, old.value.length);
  if (range === undefined) return answer(integer(-1));
  const found = findBit(bytesOfByteString(old.value), bit, range.first, range.last);
  const isEndGiven = args.length > 3;
  const otherwise = bit === 0 && !isEndGiven ? old.value.length * 8 : -1;
  return answer(integer(found ?? otherwise));
}

/** The first key is the destination. Its own value takes part only if the key comes again. */
function bitop({ args, entries: [old, ...sources] }: KeyedCall): CommandOutcome {
  const operator = optionWord(argumentAt(args, 0));
  if (operator !== 'AND' && operator !== 'OR' && operator !== 'XOR' && operator !== 'NOT')
    throw syntaxError();
  if (operator === 'NOT' && sources.length !== 1)
    throw new RedisError('BITOP NOT must be called with a single source key.');
  const bytes = sources.map((source) => bytesOfByteString(source?.value ?? ''));
  const [first = Buffer.alloc(0)] = bytes;
  const result = operator === 'NOT' ? inverted(first) : combine(operator, bytes);
  if (result.length > 0) return answerAndPut(integer(result.length), result.toString('latin1'));
  return old === undefined ? answer(zero) : answerAndDelete(zero);
}

const rangeUnits = {
  BYTE: 'The range is in bytes. This is the default.',
  BIT: 'The range is in bits.',
};

export const bitCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'getbit',
    arity: 3,
    keys: oneKey,
    access: 'read',
    syntax: 'key offset',
    summary: 'Gives one bit of the value; 0 after its end.',
    run: getbit,
  },
  {
    kind: 'keyed',
    name: 'setbit',
    arity: 4,
    keys: oneKey,
    access: 'write',
    syntax: 'key offset value',
    summary: 'Sets or clears one bit and gives the old bit.',
    run: setbit,
  },
  {
    kind: 'keyed',
    name: 'bitcount',
    arity: -2,
    keys: oneKey,
    access: 'read',
    syntax: 'key [start end [BYTE | BIT]]',
    summary: 'Counts the bits that are set, in the value or a part of it.',
    options: rangeUnits,
    run: bitcount,
  },
  {
    kind: 'keyed',
    name: 'bitpos',
    arity: -3,
    keys: oneKey,
    access: 'read',
    syntax: 'key bit [start [end [BYTE | BIT]]]',
    summary: 'Finds the first bit that is set, or clear, in the value or a part of it.',
    options: rangeUnits,
    run: bitpos,
  },
  {
    kind: 'keyed',
    name: 'bitop',
    arity: -4,
    keys: { first: 2, last: -1, step: 1 },
    access: 'write',
    reads: 'all keys but the first',
    syntax: '<AND | OR | XOR | NOT> destkey key [key ...]',
    summary: 'Combines values bit by bit, puts the result and gives its length.',
    options: {
      AND: 'Bits that are set in all values.',
      OR: 'Bits that are set in any value.',
      XOR: 'Bits that are set in an odd number of values.',
      NOT: 'Bits that are not set in the one value.',
    },
    run: bitop,
  },
];
