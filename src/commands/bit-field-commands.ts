// The commands that treat values as arrays of integers of any width. Each is a list of reads and
// writes, run in order.
import { argumentAt, int64At, optionWord, parseInt64, untilNul } from './argument.ts';
import { fieldAfter, readField, writeField, type FieldType, type Overflow } from './bit-field.ts';
import { badOffset, bitOffset, readableBytesMax } from './bit-offset.ts';
import {
  answer,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { array, RedisError, integer, nil, syntaxError, type Reply } from './reply.ts';

interface Read {
  readonly op: 'GET';
  readonly type: FieldType;
  readonly offset: number;
}

interface Write {
  readonly op: 'SET' | 'INCRBY';
  readonly type: FieldType;
  readonly offset: number;
  readonly operand: bigint;
  readonly overflow: Overflow;
}

type Step = Read | Write;

/** The most reads and writes of one command: no other command is answered meanwhile. */
const stepsMax = 100_000;

/** Arguments of each subcommand. */
const lengths: ReadonlyMap<string, number> = new Map([
  ['GET', 2],
  ['SET', 3],
  ['INCRBY', 3],
  ['OVERFLOW', 1],
]);

/** @throws RedisError */
function typeOf(text: string): FieldType {
  const isSigned = text.startsWith('i');
  const bits = parseInt64(untilNul(text.slice(1))) ?? 0n;
  const isType = (isSigned && bits <= 64n) || (text.startsWith('u') && bits <= 63n);
  if (isType && bits >= 1n) return { isSigned, bits: Number(bits) };
  throw new RedisError(
    'Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
  );
}

/** `#n` is the n-th field of this width. @throws RedisError */
function offsetOf(text: string, { bits }: FieldType, bytesMax: number): number {
  if (!text.startsWith('#')) return bitOffset(parseInt64(text), bytesMax);
  const index = parseInt64(text.slice(1));
  // Redis multiplies in 64 bits.
  const offset = index === undefined ? undefined : BigInt.asIntN(64, index * BigInt(bits));
  return bitOffset(offset, bytesMax);
}

/** @throws RedisError */
function overflowOf(word: string): Overflow {
  if (word === 'WRAP' || word === 'SAT' || word === 'FAIL') return word;
  throw new RedisError('Invalid OVERFLOW type specified');
}

/** @throws RedisError */
function stepsOf({ args, limits }: KeyedCall): Step[] {
  const steps: Step[] = [];
  let overflow: Overflow = 'WRAP';
  for (let at = 1; at < args.length;) {
    const op = optionWord(argumentAt(args, at));
    const length = lengths.get(op);
    if (length === undefined || at + length >= args.length) throw syntaxError();
    if (steps.length === stepsMax)
      throw new RedisError(`at most ${stepsMax} subcommands of GET, SET and INCRBY are taken`);
    if (op === 'OVERFLOW') {
      overflow = overflowOf(optionWord(argumentAt(args, at + 1)));
    } else {
      const type = typeOf(argumentAt(args, at + 1));
      const place = argumentAt(args, at + 2);
      if (op === 'SET' || op === 'INCRBY') {
        const offset = offsetOf(place, type, limits.valueBytesMax);
        if (offset + type.bits > limits.valueBytesMax * 8) throw badOffset();
        steps.push({ op, type, offset, operand: int64At(args, at + 3), overflow });
      } else {
        steps.push({ op: 'GET', type, offset: offsetOf(place, type, readableBytesMax) });
      }
    }
    at += 1 + length;
  }
  return steps;
}

function isRead(step: Step): step is Read {
  return step.op === 'GET';
}

function readStep(value: string | Uint8Array, { offset, type }: Read): Reply {
  return integer(readField(value, offset, type));
}

function writeStep(bytes: Uint8Array, { op, offset, type, operand, overflow }: Write): Reply {
  const old = BigInt(readField(bytes, offset, type));
  const field =
    op === 'SET'
      ? fieldAfter(operand, 0n, type, overflow)
      : fieldAfter(old, operand, type, overflow);
  if (field === undefined) return nil;
  writeField(bytes, offset, type.bits, field);
  return integer(op === 'SET' ? old : field);
}

/** As in Redis, the value grows to the end of the furthest write, even of one that fails. */
function bitfield(call: KeyedCall): CommandOutcome {
  const steps = stepsOf(call);
  const [old] = call.entries;
  const value = old?.value ?? '';
  const reads = steps.filter(isRead);
  if (reads.length === steps.length) {
    return answer(array(reads.map((step) => readStep(value, step))));
  }
  const ends = steps.map((step) =>
    isRead(step) ? 0 : Math.ceil((step.offset + step.type.bits) / 8),
  );
  const length = ends.reduce((most, end) => Math.max(most, end), value.length);
  const bytes = Buffer.alloc(length);
  bytes.write(value, 'latin1');
  const reply = array(
    steps.map((step) => (isRead(step) ? readStep(bytes, step) : writeStep(bytes, step))),
  );
  const written = bytes.toString('latin1');
  return written === old?.value ? answer(reply) : answerAndPut(reply, written, old?.expiresAt);
}

function bitfieldReadOnly(call: KeyedCall): CommandOutcome {
  const reads = stepsOf(call).map((step) => {
    if (isRead(step)) return step;
    throw new RedisError('BITFIELD_RO only supports the GET subcommand');
  });
  const value = call.entries[0]?.value ?? '';
  return answer(array(reads.map((step) => readStep(value, step))));
}

const getOption = {
  'GET encoding offset': 'Gives a field; it is 0 after the end of the value.',
};

export const bitFieldCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'bitfield',
    arity: -2,
    keys: oneKey,
    access: 'write',
    syntax:
      'key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] ' +
      '<SET encoding offset value | INCRBY encoding offset increment> ...]',
    summary:
      'Reads and writes integers of 1 to 64 bits (`i8`, `u63`) at offsets in bits, or fields.',
    options: {
      ...getOption,
      'SET encoding offset value': 'Writes a field and gives the old one.',
      'INCRBY encoding offset increment': 'Adds to a field and gives the sum.',
      OVERFLOW: 'For the writes after it: the handling of an integer that does not fit.',
      WRAP: 'Its lowest bits are written. This is the default.',
      SAT: 'The nearest integer that fits is written.',
      FAIL: 'Nothing is written, and its reply is null.',
    },
    run: bitfield,
  },
  {
    kind: 'keyed',
    name: 'bitfield_ro',
    arity: -2,
    keys: oneKey,
    access: 'read',
    syntax: 'key [GET encoding offset ...]',
    summary: 'The part of BITFIELD that only reads.',
    options: getOption,
    run: bitfieldReadOnly,
  },
];
