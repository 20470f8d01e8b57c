// LCS, compared with the plain table that Redis fills.
import * as fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { CommonSubsequence, type CommonRange } from '../../src/commands/common-subsequence.ts';
import { CommandSession } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(async () => {
  session = new CommandSession({ valueBytesMax: 400, keysReplyMax: 10 });
  await type('MSET a ohmytext b mynewtext');
});

const text = [
  [
    [4, 7],
    [5, 8],
  ],
  [
    [2, 3],
    [0, 1],
  ],
] as const;

test.each([
  ['LCS a b', 'mytext'],
  ['lcs a b len', 6],
  ['LCS a b IDX', ['matches', text, 'len', 6]],
  ['LCS a b IDX MINMATCHLEN 4', ['matches', [text[0]], 'len', 6]],
  ['LCS a b IDX MINMATCHLEN -5', ['matches', text, 'len', 6]],
  ['LCS a b WITHMATCHLEN MINMATCHLEN 9 IDX', ['matches', [], 'len', 6]],
  [
    'LCS a b IDX WITHMATCHLEN',
    [
      'matches',
      [
        [...text[0], 4],
        [...text[1], 2],
      ],
      'len',
      6,
    ],
  ],
  ['LCS a b WITHMATCHLEN MINMATCHLEN 9', 'mytext'],
  ['LCS a none', ''],
  ['LCS none nobody IDX', ['matches', [], 'len', 0]],
  ['LCS a a LEN', 8],
  ['LCS a b LEN IDX', 'ERR If you want both the length and indexes, please just use IDX.'],
  ['LCS a b MINMATCHLEN', 'ERR syntax error'],
  ['LCS a b MINMATCHLEN x', 'ERR value is not an integer or out of range'],
  ['LCS a b WITH', 'ERR syntax error'],
  ['LCS a', "ERR wrong number of arguments for 'lcs' command"],
])('%s', async (line, reply) => {
  expect(await type(line)).toEqual(reply);
});

test('LCS refuses strings whose table would be larger than a value, as Redis does', async () => {
  const tooLarge = 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len';
  await session.run('MSET', 'a', 'x'.repeat(9), 'b', 'x'.repeat(9), 'c', 'x'.repeat(10));
  expect([await type('LCS a b LEN'), await type('LCS a c LEN')]).toEqual([9, tooLarge]);
  await session.run('SET', 'long', 'x'.repeat(400));
  expect(await type('LCS long none')).toBe(tooLarge);
});

/** The textbook recurrence, and the walk back as Redis does it. */
function plainly(a: string, b: string) {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (i: number, j: number): number => table[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      (table[i] as Uint32Array)[j] = isSame
        ? at(i - 1, j - 1) + 1
        : Math.max(at(i - 1, j), at(i, j - 1));
    }
  }
  const ranges: CommonRange[] = [];
  let open: { firstInA: number; lastInA: number; firstInB: number; lastInB: number } | undefined;
  let [i, j] = [a.length, b.length];
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      i -= 1;
      j -= 1;
      open ??= { firstInA: i, lastInA: i, firstInB: j, lastInB: j };
      open.firstInA = i;
      open.firstInB = j;
    } else {
      if (open !== undefined) ranges.push(open);
      open = undefined;
      if (at(i - 1, j) > at(i, j - 1)) i -= 1;
      else j -= 1;
    }
  }
  if (open !== undefined) ranges.push(open);
  return { length: at(a.length, b.length), ranges };
}

test('length and parts are those of the plain table, whatever the strings', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', 'c', '\xff'), { maxLength: 140, size: 'max' });
  const bytes = fc.array(fc.constantFrom('\0', 'a'), { maxLength: 70, size: 'max' });
  const word = fc.oneof(letters, bytes).map((some) => some.join(''));
  const property = fc.property(word, word, (a, b) => {
    const found = new CommonSubsequence(a, b);
    expect({ length: found.length, ranges: found.ranges() }).toEqual(plainly(a, b));
  });
  fc.assert(property, { numRuns: 300 });
});
