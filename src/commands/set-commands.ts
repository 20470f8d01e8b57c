// SET and its kin, GETEX: the commands that set a value or its deadline by options.
import { argumentAt, optionWord } from './argument.ts';
import {
  answer,
  answerAndDelete,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { parsePositiveDeadline, type ExpireUnit } from './expire-time.ts';
import { bulk, nil, ok, one, syntaxError, zero } from './reply.ts';

interface Options {
  condition?: 'NX' | 'XX' | 'IFEQ';
  comparand?: string;
  get?: boolean;
  /** The option that sets, keeps or removes the deadline. A call may give only one such option. */
  ttl?: 'EX' | 'PX' | 'EXAT' | 'PXAT' | 'KEEPTTL' | 'PERSIST';
  time?: string;
}

const units: Readonly<Record<'EX' | 'PX' | 'EXAT' | 'PXAT', ExpireUnit>> = {
  EX: { inSeconds: true, isRelative: true },
  PX: { inSeconds: false, isRelative: true },
  EXAT: { inSeconds: true, isRelative: false },
  PXAT: { inSeconds: false, isRelative: false },
};

/** An option may come again, and its last argument counts. Another option of the same kind may not. */
function isFree<Option>(taken: Option | undefined, option: Option): boolean {
  return taken === undefined || taken === option;
}

/** @throws RedisError */
function parseOptions(words: readonly string[], isSet: boolean): Options {
  const options: Options = {};
  for (let i = 0; i < words.length; i++) {
    const word = optionWord(argumentAt(words, i));
    const next = words[i + 1];
    if (isSet && (word === 'NX' || word === 'XX') && isFree(options.condition, word)) {
      options.condition = word;
    } else if (isSet && word === 'IFEQ' && next !== undefined && options.condition === undefined) {
      options.condition = word;
      options.comparand = next;
      i++;
    } else if (isSet && word === 'GET') {
      options.get = true;
    } else if (word === (isSet ? 'KEEPTTL' : 'PERSIST') && isFree(options.ttl, word)) {
      options.ttl = word;
    } else if (
      (word === 'EX' || word === 'PX' || word === 'EXAT' || word === 'PXAT') &&
      isFree(options.ttl, word) &&
      next !== undefined
    ) {
      options.ttl = word;
      options.time = next;
      i++;
    } else {
      throw syntaxError();
    }
  }
  return options;
}

/**
 * @returns the deadline that the options give, Unix milliseconds, or undefined
 * @throws RedisError
 */
function deadlineOf(call: KeyedCall, { ttl, time }: Options): number | undefined {
  if (time === undefined || ttl === undefined || ttl === 'KEEPTTL' || ttl === 'PERSIST')
    return undefined;
  return parsePositiveDeadline(call.name, time, units[ttl], call.now);
}

function conditionHolds({ condition, comparand }: Options, value: string | undefined): boolean {
  if (condition === 'NX') return value === undefined;
  if (condition === 'XX') return value !== undefined;
  return condition === undefined || value === comparand;
}

/** No reader would ever see a value whose deadline has passed, so this puts none. */
function putUntil(call: KeyedCall, value: string, deadline: number | undefined): CommandOutcome {
  const isPast = deadline !== undefined && deadline <= call.now;
  if (!isPast) return answerAndPut(ok, value, deadline);
  return call.entries[0] === undefined ? answer(ok) : answerAndDelete(ok);
}

function set(call: KeyedCall): CommandOutcome {
  const options = parseOptions(call.args.slice(2), true);
  const deadline = deadlineOf(call, options);
  const [old] = call.entries;
  const isHeld = conditionHolds(options, old?.value);
  const aborted = answer(options.get ? bulk(old?.value) : nil);
  if (!isHeld) return aborted;
  const kept = options.ttl === 'KEEPTTL' ? old?.expiresAt : deadline;
  const outcome = putUntil(call, argumentAt(call.args, 1), kept);
  return options.get ? { ...outcome, reply: aborted.reply } : outcome;
}

function setWithUnit(unit: ExpireUnit): (call: KeyedCall) => CommandOutcome {
  return (call) => {
    const time = argumentAt(call.args, 1);
    const deadline = parsePositiveDeadline(call.name, time, unit, call.now);
    return putUntil(call, argumentAt(call.args, 2), deadline);
  };
}

function setnx({ args, entries: [old] }: KeyedCall): CommandOutcome {
  return old === undefined ? answerAndPut(one, argumentAt(args, 1)) : answer(zero);
}

function getex(call: KeyedCall): CommandOutcome {
  const options = parseOptions(call.args.slice(1), false);
  const [old] = call.entries;
  // Read the deadline only here: as in Redis, a bad time is no error if there is no key.
  if (old === undefined) return answer(nil);
  const reply = bulk(old.value);
  const deadline = deadlineOf(call, options);
  if (deadline !== undefined) {
    if (deadline <= call.now) return answerAndDelete(reply);
    return answerAndPut(reply, old.value, deadline);
  }
  const persists = options.ttl === 'PERSIST' && old.expiresAt !== undefined;
  return persists ? answerAndPut(reply, old.value) : answer(reply);
}

const deadlineOptions = {
  'EX seconds': 'Expires in this many seconds.',
  'PX milliseconds': 'Expires in this many milliseconds.',
  'EXAT unix-time-seconds': 'Expires at this time.',
  'PXAT unix-time-milliseconds': 'Expires at this time.',
};

export const setCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'set',
    arity: -3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax:
      'key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]',
    summary: 'Sets a value. Options add a condition or a deadline, or ask for the old value.',
    options: {
      NX: 'Only if the key does not exist.',
      XX: 'Only if the key exists.',
      'IFEQ comparison-value': 'Only if the key has exactly this value.',
      GET: 'Gives the old value, or nil, even if the value was not set.',
      ...deadlineOptions,
      KEEPTTL: 'Keeps the deadline of the key.',
    },
    run: set,
  },
  {
    kind: 'keyed',
    name: 'setex',
    arity: 4,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key seconds value',
    summary: 'Sets a value that expires in this many seconds.',
    run: setWithUnit(units.EX),
  },
  {
    kind: 'keyed',
    name: 'psetex',
    arity: 4,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key milliseconds value',
    summary: 'Sets a value that expires in this many milliseconds.',
    run: setWithUnit(units.PX),
  },
  {
    kind: 'keyed',
    name: 'setnx',
    arity: 3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key value',
    summary: 'Sets a value, only if the key does not exist.',
    run: setnx,
  },
  {
    kind: 'keyed',
    name: 'getex',
    arity: -2,
    keys: oneKey,
    access: 'write',
    grows: 'never',
    syntax:
      'key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]',
    summary: 'Gives the value and sets or removes its deadline.',
    options: { ...deadlineOptions, PERSIST: 'Removes the deadline.' },
    run: getex,
  },
];
