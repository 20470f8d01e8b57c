// The commands that set, read and remove deadlines of keys.
import { argumentAt, optionWord, untilNul } from './argument.ts';
import {
  answer,
  answerAndDelete,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { parseDeadline, type ExpireUnit } from './expire-time.ts';
import { RedisError, integer, one, zero } from './reply.ts';

const options = ['NX', 'XX', 'GT', 'LT'] as const;
type Option = (typeof options)[number];

/** @throws RedisError */
function parseOptions(args: readonly string[]): ReadonlySet<Option> {
  const given = new Set<Option>();
  for (const argument of args.slice(2)) {
    const option = options.find((known) => known === optionWord(argument));
    if (option === undefined) throw new RedisError(`Unsupported option ${untilNul(argument)}`);
    given.add(option);
  }
  if (given.has('NX') && given.size > 1)
    throw new RedisError('NX and XX, GT or LT options at the same time are not compatible');
  if (given.has('GT') && given.has('LT'))
    throw new RedisError('GT and LT options at the same time are not compatible');
  return given;
}

/** A key without a deadline counts as one that expires at infinity: GT never holds, LT always. */
function optionHolds(option: Option, current: number | undefined, deadline: number): boolean {
  switch (option) {
    case 'NX':
      return current === undefined;
    case 'XX':
      return current !== undefined;
    case 'GT':
      return deadline > (current ?? Infinity);
    case 'LT':
      return deadline < (current ?? Infinity);
    default:
      return option satisfies never;
  }
}

function expireIn(unit: ExpireUnit): (call: KeyedCall) => CommandOutcome {
  return ({ name, args, now, entries: [old] }) => {
    const given = parseOptions(args);
    const deadline = parseDeadline(name, argumentAt(args, 1), unit, now);
    if (old === undefined) return answer(zero);
    const mayChange = [...given].every((option) => optionHolds(option, old.expiresAt, deadline));
    if (!mayChange) return answer(zero);
    return deadline <= now ? answerAndDelete(one) : answerAndPut(one, old.value, deadline);
  };
}

/** -2 if there is no key, -1 if the key does not expire. Seconds are rounded to the nearest. */
function deadlineIn({ inSeconds, isRelative }: ExpireUnit): (call: KeyedCall) => CommandOutcome {
  return ({ now, entries: [old] }) => {
    if (old === undefined) return answer(integer(-2));
    if (old.expiresAt === undefined) return answer(integer(-1));
    const ms = isRelative ? old.expiresAt - now : old.expiresAt;
    return answer(integer(inSeconds ? Math.floor((ms + 500) / 1000) : ms));
  };
}

function persist({ entries: [old] }: KeyedCall): CommandOutcome {
  return old?.expiresAt === undefined ? answer(zero) : answerAndPut(one, old.value);
}

const expireOptions = {
  NX: 'Only if the key has no deadline.',
  XX: 'Only if the key has a deadline.',
  GT: 'Only if it is later than the deadline of the key; a key without one never changes.',
  LT: 'Only if it is earlier than the deadline of the key, or the key has none.',
} satisfies Record<Option, string>;

function expireCommand(name: string, time: string, unit: ExpireUnit): KeyedCommand {
  return {
    kind: 'keyed',
    name,
    arity: -3,
    keys: oneKey,
    access: 'write',
    grows: 'never',
    syntax: `key ${time} [NX | XX | GT | LT]`,
    summary: `Sets the deadline of a key, ${unit.isRelative ? 'from now' : 'since the epoch'}, in ${
      unit.inSeconds ? 'seconds' : 'milliseconds'
    }; a deadline in the past deletes the key.`,
    options: expireOptions,
    run: expireIn(unit),
  };
}

function deadlineCommand(name: string, unit: ExpireUnit): KeyedCommand {
  const what = unit.isRelative ? 'the time to live' : 'the deadline since the epoch';
  return {
    kind: 'keyed',
    name,
    arity: 2,
    keys: oneKey,
    access: 'read',
    syntax: 'key',
    summary: `Gives ${what} of a key in ${
      unit.inSeconds ? 'seconds' : 'milliseconds'
    }; -1 if it has none, -2 if there is no key.`,
    run: deadlineIn(unit),
  };
}

const seconds: ExpireUnit = { inSeconds: true, isRelative: true };
const milliseconds: ExpireUnit = { inSeconds: false, isRelative: true };
const unixSeconds: ExpireUnit = { inSeconds: true, isRelative: false };
const unixMilliseconds: ExpireUnit = { inSeconds: false, isRelative: false };

export const expiryCommands: readonly KeyedCommand[] = [
  expireCommand('expire', 'seconds', seconds),
  expireCommand('pexpire', 'milliseconds', milliseconds),
  expireCommand('expireat', 'unix-time-seconds', unixSeconds),
  expireCommand('pexpireat', 'unix-time-milliseconds', unixMilliseconds),
  deadlineCommand('ttl', seconds),
  deadlineCommand('pttl', milliseconds),
  deadlineCommand('expiretime', unixSeconds),
  deadlineCommand('pexpiretime', unixMilliseconds),
  {
    kind: 'keyed',
    name: 'persist',
    arity: 2,
    keys: oneKey,
    access: 'write',
    grows: 'never',
    syntax: 'key',
    summary: 'Removes the deadline of a key.',
    run: persist,
  },
];
