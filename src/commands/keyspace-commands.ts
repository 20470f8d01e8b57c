// The commands that look at all keys, in bounded steps. They use the keyspace that an executor
// offers, and do not know how it stores keys.
import { argumentAt, clampToNumber, int64At, optionWord } from './argument.ts';
import type { Keyspace, KeyspaceCall, KeyspaceCommand } from './command.ts';
import { compileGlob, literalPrefix } from './glob.ts';
import { array, bulk, RedisError, integer, ok, syntaxError, type Reply } from './reply.ts';
import { cursorBehind, keyOfCursor } from './scan-cursor.ts';

/** The most keys that one step looks at. */
const stepKeysMax = 1000;
const scanKeysDefault = 10;

function arrayOfKeys(found: readonly string[]): Reply {
  return array(found.map((key) => bulk(key)));
}

async function keys({ args, limits }: KeyspaceCall, keyspace: Keyspace): Promise<Reply> {
  const pattern = argumentAt(args, 0);
  const [matches, prefix] = [compileGlob(pattern), literalPrefix(pattern)];
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await keyspace.scan(after, prefix, stepKeysMax);
    for (const key of page.keys) if (matches(key)) found.push(key);
    if (found.length > limits.keysReplyMax)
      throw new RedisError(`more than ${limits.keysReplyMax} keys match; use SCAN`);
    after = page.next;
  } while (after !== undefined);
  return arrayOfKeys(found);
}

interface ScanOptions {
  count: number;
  pattern: string;
  isForStrings: boolean;
}

/** @throws RedisError */
function parseScanOptions(args: readonly string[]): ScanOptions {
  const options = { count: scanKeysDefault, pattern: '*', isForStrings: true };
  for (let i = 1; i < args.length; i += 2) {
    const word = optionWord(argumentAt(args, i));
    if (i + 1 === args.length) throw syntaxError();
    if (word === 'COUNT') {
      const count = int64At(args, i + 1);
      if (count < 1n) throw syntaxError();
      options.count = clampToNumber(count);
    } else if (word === 'MATCH') {
      options.pattern = argumentAt(args, i + 1);
    } else if (word === 'TYPE') {
      options.isForStrings = optionWord(argumentAt(args, i + 1)) === 'STRING';
    } else {
      throw syntaxError();
    }
  }
  return options;
}

/** If the client asks only for keys of another type, the walk ends at once: every value is a string. */
async function scan({ args }: KeyspaceCall, keyspace: Keyspace): Promise<Reply> {
  const after = keyOfCursor(argumentAt(args, 0));
  const { count, pattern, isForStrings } = parseScanOptions(args);
  if (!isForStrings) return array([bulk(cursorBehind(undefined)), array([])]);
  const limit = Math.min(count, stepKeysMax);
  const page = await keyspace.scan(after, literalPrefix(pattern), limit);
  const found = page.keys.filter(compileGlob(pattern));
  return array([bulk(cursorBehind(page.next)), arrayOfKeys(found)]);
}

/** @throws RedisError if they are no arguments of FLUSHDB or FLUSHALL */
export function parseFlush(args: readonly string[]): void {
  const word = args.length === 0 ? 'SYNC' : optionWord(argumentAt(args, 0));
  if (args.length > 1 || (word !== 'SYNC' && word !== 'ASYNC')) throw syntaxError();
}

/** Answers SYNC and ASYNC alike, after the flush. */
async function flush({ args }: KeyspaceCall, keyspace: Keyspace): Promise<Reply> {
  parseFlush(args);
  await keyspace.clear();
  return ok;
}

const flushOptions = { SYNC: 'Has no effect.', ASYNC: 'Has no effect.' };

export const keyspaceCommands: readonly KeyspaceCommand[] = [
  {
    kind: 'keyspace',
    name: 'keys',
    arity: 2,
    access: 'read',
    syntax: 'pattern',
    summary: 'Gives all keys that match; an error if there are too many.',
    run: keys,
  },
  {
    kind: 'keyspace',
    name: 'scan',
    arity: -2,
    access: 'read',
    syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
    summary: 'Walks all keys, some at a time: from cursor 0 until it gives 0 again.',
    options: {
      'MATCH pattern': 'Gives only keys that match; a step may then give none.',
      'COUNT count': `The number of keys a step looks at: by default ${scanKeysDefault}, at most ${stepKeysMax}.`,
      'TYPE type': 'Gives only keys of this type; all are of type string.',
    },
    run: scan,
  },
  {
    kind: 'keyspace',
    name: 'randomkey',
    arity: 1,
    access: 'read',
    syntax: '',
    summary: 'Gives one of the keys.',
    run: async (_, keyspace) => bulk(await keyspace.randomKey()),
  },
  {
    kind: 'keyspace',
    name: 'dbsize',
    arity: 1,
    access: 'read',
    syntax: '',
    summary: 'Counts the keys.',
    run: async (_, keyspace) => integer(await keyspace.count()),
  },
  {
    kind: 'keyspace',
    name: 'flushdb',
    arity: -1,
    access: 'write',
    syntax: '[ASYNC | SYNC]',
    summary: 'Deletes all keys.',
    options: flushOptions,
    run: flush,
  },
  {
    kind: 'keyspace',
    name: 'flushall',
    arity: -1,
    access: 'write',
    syntax: '[ASYNC | SYNC]',
    summary: 'The same as FLUSHDB: there is one database.',
    options: flushOptions,
    run: flush,
  },
];
