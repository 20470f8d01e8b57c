// The commands on keys of any content: delete, exist, copy, rename.
import { argumentAt, int64At, optionWord } from './argument.ts';
import {
  allKeys,
  answer,
  oneKey,
  twoKeys,
  type CommandEntry,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { RedisError, integer, ok, one, status, syntaxError, zero } from './reply.ts';

/** A key that comes twice counts once. */
function del({ keys, entries }: KeyedCall): CommandOutcome {
  const there = new Set(keys.filter((_, i) => entries[i] !== undefined));
  const changes = entries.map((entry) => (entry === undefined ? undefined : 'delete'));
  return { reply: integer(there.size), changes };
}

/** A key that comes twice counts twice. */
function exists({ entries }: KeyedCall): CommandOutcome {
  return answer(integer(entries.filter((entry) => entry !== undefined).length));
}

function type({ entries: [entry] }: KeyedCall): CommandOutcome {
  return answer(status(entry === undefined ? 'none' : 'string'));
}

const [int32Min, int32Max] = [-(2n ** 31n), 2n ** 31n - 1n];

/**
 * Checks the database: 0 is the only one.
 *
 * @throws RedisError for any other
 */
function checkDatabase(args: readonly string[], index: number): void {
  const database = int64At(args, index);
  if (database < int32Min || database > int32Max)
    throw new RedisError(`value is out of range, value must between ${int32Min} and ${int32Max}`);
  if (database !== 0n) throw new RedisError('DB index is out of range');
}

/** @throws RedisError */
function parseCopyOptions(args: readonly string[]): { readonly replaces: boolean } {
  let replaces = false;
  for (let i = 2; i < args.length; i++) {
    const word = optionWord(argumentAt(args, i));
    if (word === 'REPLACE') {
      replaces = true;
    } else if (word === 'DB' && i + 1 < args.length) {
      i++;
      checkDatabase(args, i);
    } else {
      throw syntaxError();
    }
  }
  return { replaces };
}

function copy({ args, keys, entries: [source, target] }: KeyedCall): CommandOutcome {
  const { replaces } = parseCopyOptions(args);
  if (keys[0] === keys[1]) throw new RedisError('source and destination objects are the same');
  if (source === undefined || (target !== undefined && !replaces)) return answer(zero);
  return { reply: one, changes: [undefined, { put: source }] };
}

/** @throws RedisError if there is nothing to rename */
function sourceOf({ entries: [source] }: KeyedCall): CommandEntry {
  if (source === undefined) throw new RedisError('no such key');
  return source;
}

function rename(call: KeyedCall): CommandOutcome {
  const source = sourceOf(call);
  if (call.keys[0] === call.keys[1]) return answer(ok);
  return { reply: ok, changes: ['delete', { put: source }] };
}

function renamenx(call: KeyedCall): CommandOutcome {
  const source = sourceOf(call);
  if (call.entries[1] !== undefined) return answer(zero);
  return { reply: one, changes: ['delete', { put: source }] };
}

export const keyCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'del',
    arity: -2,
    keys: allKeys,
    access: 'write',
    grows: 'never',
    syntax: 'key [key ...]',
    summary: 'Deletes keys and gives the number of those that existed.',
    run: del,
  },
  {
    kind: 'keyed',
    name: 'unlink',
    arity: -2,
    keys: allKeys,
    access: 'write',
    grows: 'never',
    syntax: 'key [key ...]',
    summary: 'The same as DEL.',
    run: del,
  },
  {
    kind: 'keyed',
    name: 'exists',
    arity: -2,
    keys: allKeys,
    access: 'read',
    syntax: 'key [key ...]',
    summary: 'Gives the number of the keys that exist.',
    run: exists,
  },
  {
    kind: 'keyed',
    name: 'touch',
    arity: -2,
    keys: allKeys,
    access: 'read',
    syntax: 'key [key ...]',
    summary: 'The same as EXISTS: there is no time of last access to renew.',
    run: exists,
  },
  {
    kind: 'keyed',
    name: 'type',
    arity: 2,
    keys: oneKey,
    access: 'read',
    syntax: 'key',
    summary: 'Gives string, or none if there is no key.',
    run: type,
  },
  {
    kind: 'keyed',
    name: 'copy',
    arity: -3,
    keys: twoKeys,
    access: 'write',
    reads: 'first key',
    syntax: 'source destination [DB destination-db] [REPLACE]',
    summary: 'Copies a value and its deadline to another key.',
    options: {
      'DB destination-db': 'Must be 0.',
      REPLACE: 'Also if the destination exists.',
    },
    run: copy,
  },
  {
    kind: 'keyed',
    name: 'rename',
    arity: 3,
    keys: twoKeys,
    access: 'write',
    syntax: 'key newkey',
    summary: 'Moves a value and its deadline to another key, and replaces that key.',
    run: rename,
  },
  {
    kind: 'keyed',
    name: 'renamenx',
    arity: 3,
    keys: twoKeys,
    access: 'write',
    syntax: 'key newkey',
    summary: 'Renames a key, only if the new name does not exist.',
    run: renamenx,
  },
];
