// The command LCS: the longest common subsequence of two values.
import { argumentAt, int64At, optionWord } from './argument.ts';
import {
  answer,
  twoKeys,
  type KeyedCall,
  type KeyedCommand,
  type CommandOutcome,
} from './command.ts';
import { CommonSubsequence, type CommonRange } from './common-subsequence.ts';
import { array, bulk, RedisError, integer, syntaxError, type Reply } from './reply.ts';

interface LcsOptions {
  isLength: boolean;
  isIndexes: boolean;
  hasLengths: boolean;
  shortest: bigint;
}

/** Bytes of a cell in Redis's table. Redis limits that table to the size of a value. */
const cellBytes = 4;

/** @throws RedisError */
function optionsOf(args: readonly string[]): LcsOptions {
  const options = { isLength: false, isIndexes: false, hasLengths: false, shortest: 0n };
  for (let at = 2; at < args.length; at++) {
    const word = optionWord(argumentAt(args, at));
    if (word === 'LEN') options.isLength = true;
    else if (word === 'IDX') options.isIndexes = true;
    else if (word === 'WITHMATCHLEN') options.hasLengths = true;
    else if (word === 'MINMATCHLEN' && at + 1 < args.length) options.shortest = int64At(args, ++at);
    else throw syntaxError();
  }
  if (!options.isLength || !options.isIndexes) return options;
  throw new RedisError('If you want both the length and indexes, please just use IDX.');
}

function lengthOf({ firstInA, lastInA }: CommonRange): number {
  return lastInA - firstInA + 1;
}

function rangeReply(range: CommonRange, hasLength: boolean): Reply {
  const inA = array([integer(range.firstInA), integer(range.lastInA)]);
  const inB = array([integer(range.firstInB), integer(range.lastInB)]);
  return array(hasLength ? [inA, inB, integer(lengthOf(range))] : [inA, inB]);
}

/**
 * Time and memory grow with the product of both lengths.
 *
 * @throws RedisError
 */
function checkSize(a: string, b: string, bytesMax: number): void {
  if ((a.length + 1) * (b.length + 1) * cellBytes <= bytesMax) return;
  throw new RedisError('Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
}

function lcs({ args, entries, limits }: KeyedCall): CommandOutcome {
  const options = optionsOf(args);
  const [a = '', b = ''] = entries.map((entry) => entry?.value ?? '');
  checkSize(a, b, limits.valueBytesMax);
  const common = new CommonSubsequence(a, b);
  if (options.isLength) return answer(integer(common.length));
  const ranges = common.ranges();
  if (!options.isIndexes) {
    const parts = ranges.map(({ firstInA, lastInA }) => a.slice(firstInA, lastInA + 1));
    return answer(bulk(parts.toReversed().join('')));
  }
  const matches = ranges
    .filter((range) => BigInt(lengthOf(range)) >= options.shortest)
    .map((range) => rangeReply(range, options.hasLengths));
  return answer(array([bulk('matches'), array(matches), bulk('len'), integer(common.length)]));
}

export const lcsCommands: readonly KeyedCommand[] = [
  {
    kind: 'keyed',
    name: 'lcs',
    arity: -3,
    keys: twoKeys,
    access: 'read',
    syntax: 'key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]',
    summary: 'Gives the longest common subsequence of two values, byte by byte.',
    options: {
      LEN: 'Its length instead.',
      IDX: 'The ranges of its parts in both values, the last first, and its length.',
      'MINMATCHLEN min-match-len': 'With IDX: only parts of this length or more.',
      WITHMATCHLEN: 'With IDX: the length of each part, too.',
    },
    run: lcs,
  },
];
