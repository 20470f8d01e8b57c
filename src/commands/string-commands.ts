// The commands that read, replace or take whole values, one or many at once.
import { argumentAt } from './argument.ts';
import {
  allKeys,
  answer,
  answerAndDelete,
  answerAndPut,
  oneKey,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { array, bulk, integer, nil, ok, one, wrongArity, zero } from './reply.ts';

function get({ entries: [old] }: KeyedCall): CommandOutcome {
  return answer(bulk(old?.value));
}

function getset({ args, entries: [old] }: KeyedCall): CommandOutcome {
  return answerAndPut(bulk(old?.value), argumentAt(args, 1));
}

function getdel({ entries: [old] }: KeyedCall): CommandOutcome {
  return old === undefined ? answer(nil) : answerAndDelete(bulk(old.value));
}

function strlen({ entries: [old] }: KeyedCall): CommandOutcome {
  return answer(integer(old?.value.length ?? 0));
}

function mget({ entries }: KeyedCall): CommandOutcome {
  return answer(array(entries.map((entry) => bulk(entry?.value))));
}

/** @throws RedisError if a key comes without a value */
function putsOfPairs({ name, args, keys }: KeyedCall): CommandOutcome['changes'] {
  if (args.length % 2 === 1) throw wrongArity(name);
  return keys.map((_, i) => ({ put: { value: argumentAt(args, 2 * i + 1) } }));
}

function mset(call: KeyedCall): CommandOutcome {
  return { reply: ok, changes: putsOfPairs(call) };
}

function msetnx(call: KeyedCall): CommandOutcome {
  const changes = putsOfPairs(call);
  if (call.entries.some((entry) => entry !== undefined)) return answer(zero);
  return { reply: one, changes };
}

const pairs = { first: 1, last: -1, step: 2 };

export const stringCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'get',
    arity: 2,
    keys: oneKey,
    access: 'read',
    syntax: 'key',
    summary: 'Gives the value.',
    run: get,
  },
  {
    kind: 'keyed',
    name: 'getset',
    arity: 3,
    keys: oneKey,
    access: 'write',
    grows: 'arguments',
    syntax: 'key value',
    summary: 'Sets a value and gives the old one.',
    run: getset,
  },
  {
    kind: 'keyed',
    name: 'getdel',
    arity: 2,
    keys: oneKey,
    access: 'write',
    grows: 'never',
    syntax: 'key',
    summary: 'Gives the value and deletes the key.',
    run: getdel,
  },
  {
    kind: 'keyed',
    name: 'strlen',
    arity: 2,
    keys: oneKey,
    access: 'read',
    syntax: 'key',
    summary: 'Gives the length of the value in bytes.',
    run: strlen,
  },
  {
    kind: 'keyed',
    name: 'mget',
    arity: -2,
    keys: allKeys,
    access: 'read',
    syntax: 'key [key ...]',
    summary: 'Gives the values of several keys.',
    run: mget,
  },
  {
    kind: 'keyed',
    name: 'mset',
    arity: -3,
    keys: pairs,
    access: 'write',
    grows: 'arguments',
    syntax: 'key value [key value ...]',
    summary: 'Sets the values of several keys at once.',
    run: mset,
  },
  {
    kind: 'keyed',
    name: 'msetnx',
    arity: -3,
    keys: pairs,
    access: 'write',
    grows: 'arguments',
    syntax: 'key value [key value ...]',
    summary: 'Sets the values of several keys, only if none of them exists.',
    run: msetnx,
  },
];
