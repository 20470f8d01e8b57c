// Random arguments of commands: few keys, so that commands share them, numbers at their limits,
// malformed numbers, any bytes. No deadline falls within a test, because replies would then differ
// by chance.
import { pickFrom, randomBelow, type Random } from '../random.ts';

const keyPool = ['a', 'b', 'c', 'ab', 'abc', '{x}1', '\0\xffk', 'x\r\ny', ''];

export const int64s = ['9223372036854775807', '-9223372036854775808', '9223372036854775806'];
export const badIntegers = [
  '',
  ' 1',
  '1 ',
  '+1',
  '01',
  '-0',
  '-',
  '1.0',
  'abc',
  '0x10',
  '1\0',
  '１',
]
  .map((text) => Buffer.from(text).toString('latin1'))
  .concat('9223372036854775808', '-9223372036854775809', '99999999999999999999999');
const floats = ['0', '0.1', '-0.1', '3.0e3', '1e-17', '6e-18', '.5', '1.', '-1.5', '0x1p3', '0x.8']
  .concat('10.5', '1000.1', '1e20', '-1e20', '123456789.987654321', '1e400', '-0', '0e99999')
  .concat('+1', '1e4931', '-1e4931', '1e-4940');
const badFloats = [
  'nan',
  'inf',
  '-inf',
  'Infinity',
  '1e',
  '1e5000',
  '1e-5000',
  '.',
  '0x',
  ' 1',
].concat('1 ', '1,5', '--1', '1\0', '', 'e5', '0x1p', '1e99999999999999999999', 'nan(1)', '1_0');

/** One argument, or an option with its argument. */
export type Words = (random: Random) => string[];

export const chance = (random: Random, share: number): boolean => random() < share;
export const key: (random: Random) => string = (random) =>
  pickFrom(random, chance(random, 0.85) ? keyPool.slice(0, 2) : keyPool);
export const keys = (random: Random, max: number): string[] =>
  Array.from({ length: 1 + randomBelow(random, max) }, () => key(random));

export function bytes(random: Random, max: number): string {
  const byte = () => String.fromCharCode(randomBelow(random, 256));
  return Array.from({ length: randomBelow(random, max + 1) }, byte).join('');
}

function smallInteger(random: Random): string {
  return String(chance(random, 0.5) ? randomBelow(random, 9) - 4 : randomBelow(random, 90) - 40);
}

export function integer(random: Random): string {
  const kind = random();
  if (kind < 0.7) return smallInteger(random);
  return pickFrom(random, kind < 0.9 ? int64s : badIntegers);
}

export function float(random: Random): string {
  const kind = random();
  if (kind < 0.3) return (randomBelow(random, 2000) / 100 - 10).toFixed(randomBelow(random, 3));
  return pickFrom(random, kind < 0.92 ? floats : badFloats);
}

export function value(random: Random): string {
  const kind = random();
  if (kind < 0.35) return integer(random);
  if (kind < 0.5) return float(random);
  if (kind < 0.55) return '\xff'.repeat(1 + randomBelow(random, 3));
  if (kind < 0.65) return pickFrom(random, ['', 'v', '\0\0', '\x80']);
  return bytes(random, 45);
}

/** Sometimes at the edges of the server's limit of 1 MiB. */
export function offset(random: Random, unit: number): string {
  const kind = random();
  if (kind < 0.01) return String((1024 * 1024 - 1 + randomBelow(random, 3)) * unit);
  if (kind < 0.1) return pickFrom(random, [...int64s, ...badIntegers, '-1']);
  return String(randomBelow(random, 60 * unit));
}

const badTimes = ['0', '-1', '-100000', '9223372036854775', '9223372036854776']
  .concat('-9223372036854775', '-9223372036854776')
  .concat(int64s, badIntegers);

export function relativeTime(random: Random, unit: number): string {
  if (chance(random, 0.2)) return pickFrom(random, badTimes);
  return String((1000 + randomBelow(random, 2 ** 31)) * unit);
}

export function absoluteTime(random: Random, unit: number): string {
  if (chance(random, 0.2)) return pickFrom(random, badTimes);
  const kind = random();
  const past = kind < 0.1 ? 1 : 1_600_000_000;
  const seconds = kind < 0.2 ? past : 4_102_444_800 + randomBelow(random, 3);
  return String(seconds * unit + randomBelow(random, unit));
}

export function expiry(random: Random): string[] {
  const word = pickFrom(random, ['EX', 'PX', 'EXAT', 'PXAT']);
  const unit = word.startsWith('P') ? 1000 : 1;
  const time = word.endsWith('AT') ? absoluteTime : relativeTime;
  return [word, time(random, unit)];
}

export function some(random: Random, choices: readonly Words[], share: number): string[] {
  const words: string[] = [];
  while (chance(random, share)) words.push(...pickFrom(random, choices)(random));
  return words;
}

const patternPieces = ['a', 'b', 'c', 'x', '*', '*', '?', '[a-c]', '[c-a]', '[^a]', '[', '[^', '\\']
  .concat(
    '\\*',
    ']',
    '-',
    '\xff',
    '\0',
    '[a-',
    '[a-c',
    '[a-]',
    '[]',
    '[b\\]a]',
    '^',
    '[\\',
    '\r\n',
    '{',
    '1',
    'k',
  )
  .concat('[\x80-\xff]');

export function pattern(random: Random): string {
  if (chance(random, 0.15)) return pickFrom(random, ['*', '', '**', 'a*', '*b*']);
  const pieces = Array.from({ length: 1 + randomBelow(random, chance(random, 0.5) ? 2 : 5) }, () =>
    pickFrom(random, patternPieces),
  );
  const text = pieces.join('');
  // A range from ASCII to other bytes: a known difference.
  const isMixed = /[\0-\x7f]-[\x80-\xff]|[\x80-\xff]-[\0-\x7f]/.test(text);
  return isMixed ? pattern(random) : text;
}
