// Random commands of the dialect from a seed: few keys, so that they meet; all options, right and
// wrong. No deadline falls within the test: what depends on time would differ by chance.
import { pickFrom, randomBelow, type Random } from '../random.ts';

export const keyPool = ['a', 'b', 'c', 'ab', 'abc', '{x}1', '\0\xffk', 'x\r\ny', ''];

const int64s = ['9223372036854775807', '-9223372036854775808', '9223372036854775806'];
const badIntegers = ['', ' 1', '1 ', '+1', '01', '-0', '-', '1.0', 'abc', '0x10', '1\0', '１']
  .map((text) => Buffer.from(text).toString('latin1'))
  .concat('9223372036854775808', '-9223372036854775809', '99999999999999999999999');
const floats = ['0', '0.1', '-0.1', '3.0e3', '1e-17', '5e-18', '.5', '1.', '-1.5', '0x1p3', '0x.8']
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

type Words = (random: Random) => string[];

const chance = (random: Random, share: number): boolean => random() < share;
const key: (random: Random) => string = (random) =>
  pickFrom(random, chance(random, 0.85) ? keyPool.slice(0, 2) : keyPool);
const keys = (random: Random, max: number): string[] =>
  Array.from({ length: 1 + randomBelow(random, max) }, () => key(random));

function bytes(random: Random, max: number): string {
  const byte = () => String.fromCharCode(randomBelow(random, 256));
  return Array.from({ length: randomBelow(random, max + 1) }, byte).join('');
}

function smallInteger(random: Random): string {
  return String(randomBelow(random, 90) - 40);
}

function integer(random: Random): string {
  const kind = random();
  if (kind < 0.7) return smallInteger(random);
  return pickFrom(random, kind < 0.9 ? int64s : badIntegers);
}

function float(random: Random): string {
  const kind = random();
  if (kind < 0.3) return (randomBelow(random, 2000) / 100 - 10).toFixed(randomBelow(random, 3));
  return pickFrom(random, kind < 0.92 ? floats : badFloats);
}

function value(random: Random): string {
  const kind = random();
  if (kind < 0.35) return integer(random);
  if (kind < 0.5) return float(random);
  if (kind < 0.6) return pickFrom(random, ['', 'v', 'value', '\xff\xff\xff', '\0', '\x80']);
  return bytes(random, 45);
}

/** At the edges of the limit of 1 MiB that the server is given, now and then. */
function offset(random: Random, unit: number): string {
  const kind = random();
  if (kind < 0.01) return String((1024 * 1024 - 1 + randomBelow(random, 3)) * unit);
  if (kind < 0.1) return pickFrom(random, [...int64s, ...badIntegers, '-1']);
  return String(randomBelow(random, 60 * unit));
}

const badTimes = ['0', '-1', '-100000', ...int64s, '9223372036854775', '9223372036854776'].concat(
  badIntegers,
);

function relativeTime(random: Random, unit: number): string {
  if (chance(random, 0.2)) return pickFrom(random, badTimes);
  return String((1000 + randomBelow(random, 2 ** 31)) * unit);
}

function absoluteTime(random: Random, unit: number): string {
  if (chance(random, 0.2)) return pickFrom(random, badTimes);
  const kind = random();
  const past = kind < 0.1 ? 1 : 1_600_000_000;
  const seconds = kind < 0.2 ? past : 4_102_444_800 + randomBelow(random, 3);
  return String(seconds * unit);
}

function expiry(random: Random): string[] {
  const word = pickFrom(random, ['EX', 'PX', 'EXAT', 'PXAT']);
  const unit = word.startsWith('P') ? 1000 : 1;
  const time = word.endsWith('AT') ? absoluteTime : relativeTime;
  return [word, time(random, unit)];
}

function some(random: Random, choices: readonly Words[], share: number): string[] {
  const words: string[] = [];
  while (chance(random, share)) words.push(...pickFrom(random, choices)(random));
  return words;
}

const setOptions: Words[] = [
  expiry,
  () => ['NX'],
  () => ['XX'],
  () => ['GET'],
  () => ['KEEPTTL'],
  (random) => [pickFrom(random, ['NX', 'XX', 'GET', 'KEEPTTL', 'PERSIST', 'get\0x', 'foo', 'EX'])],
];
const getexOptions: Words[] = [
  expiry,
  expiry,
  () => ['PERSIST'],
  (random) => [pickFrom(random, ['KEEPTTL', 'PERSIST', 'foo', 'PX'])],
];

function expireOptions(random: Random, time: string): string[] {
  const word: Words = () => [pickFrom(random, ['NX', 'XX', 'GT', 'LT', 'GT', 'LT', 'no\r\n', 'x'])];
  // Deadlines past 2^53 are one to Holdfast: comparing them is a known difference.
  return time.length > 15 ? [] : some(random, [word], 0.4);
}

const expire =
  (time: (random: Random, unit: number) => string, unit: number): Words =>
  (random) => {
    const at = time(random, unit);
    return [key(random), at, ...expireOptions(random, at)];
  };

const patternPieces = ['a', 'b', 'c', 'x', '*', '*', '?', '[a-c]', '[c-a]', '[^a]', '[', '[^', '\\']
  .concat('\\*', ']', '-', '\xff', '\0', '[a-', '[]', '[b\\]a]', '^', '[\\', '\r\n', '{', '1', 'k')
  .concat('[\x80-\xff]');

function pattern(random: Random): string {
  if (chance(random, 0.15)) return pickFrom(random, ['*', '', '**', 'a*', '*b*']);
  const pieces = Array.from({ length: 1 + randomBelow(random, 5) }, () =>
    pickFrom(random, patternPieces),
  );
  const text = pieces.join('');
  // Of ASCII and other bytes in one range: a known difference.
  const isMixed = /[\0-\x7f]-[\x80-\xff]|[\x80-\xff]-[\0-\x7f]/.test(text);
  return isMixed ? pattern(random) : text;
}

const scanOptions: Words[] = [
  (random) => ['MATCH', pattern(random)],
  (random) => ['COUNT', pickFrom(random, ['1', '2', '3', '10', '1000', '0', '-1', 'x', ...int64s])],
  (random) => ['TYPE', pickFrom(random, ['string', 'STRING', 'list', 'none', 'foo', ''])],
  (random) => [pickFrom(random, ['MATCH', 'COUNT', 'TYPE', 'foo'])],
];

const range: Words = (random) => [integer(random), integer(random)];
const unitWord: Words = (random) => [pickFrom(random, ['BIT', 'BYTE', 'BIT', 'bits', 'bit\0'])];
const copyOptions: Words[] = [
  () => ['REPLACE'],
  (random) => ['DB', pickFrom(random, ['0', '0', '16', '-1', '2147483648', ...badIntegers])],
  (random) => [pickFrom(random, ['REPLACE', 'DB', 'foo'])],
];

const oneKeyAnd =
  (...more: ((random: Random) => string)[]): Words =>
  (random) => [key(random), ...more.map((argument) => argument(random))];

/** The arguments of each command. */
const shapes: Readonly<Record<string, Words>> = {
  get: oneKeyAnd(),
  set: (random) => [key(random), value(random), ...some(random, setOptions, 0.45)],
  setex: (random) => [key(random), relativeTime(random, 1), value(random)],
  psetex: (random) => [key(random), relativeTime(random, 1000), value(random)],
  setnx: oneKeyAnd(value),
  getset: oneKeyAnd(value),
  getdel: oneKeyAnd(),
  getex: (random) => [key(random), ...some(random, getexOptions, 0.45)],
  mget: (random) => keys(random, 4),
  mset: (random) => keys(random, 4).flatMap((name) => [name, value(random)]),
  msetnx: (random) => keys(random, 3).flatMap((name) => [name, value(random)]),
  append: oneKeyAnd(value),
  strlen: oneKeyAnd(),
  getrange: (random) => [key(random), ...range(random)],
  substr: (random) => [key(random), ...range(random)],
  setrange: (random) => [key(random), offset(random, 1), value(random)],
  incr: oneKeyAnd(),
  incrby: oneKeyAnd(integer),
  incrbyfloat: oneKeyAnd(float),
  decr: oneKeyAnd(),
  decrby: oneKeyAnd(integer),
  del: (random) => keys(random, 3),
  unlink: (random) => keys(random, 2),
  exists: (random) => keys(random, 4),
  touch: (random) => keys(random, 4),
  type: oneKeyAnd(),
  copy: (random) => [key(random), key(random), ...some(random, copyOptions, 0.4)],
  rename: (random) => [key(random), key(random)],
  renamenx: (random) => [key(random), key(random)],
  randomkey: () => [],
  keys: (random) => [pattern(random)],
  scan: (random) => [
    chance(random, 0.85) ? '0' : pickFrom(random, ['', '-0', '+00', 'abc', ' 0', '-', '1x', '0\0']),
    ...some(random, scanOptions, 0.5),
  ],
  dbsize: () => [],
  flushdb: (random) => some(random, [() => [pickFrom(random, ['SYNC', 'ASYNC', 'x'])]], 0.4),
  flushall: (random) => some(random, [() => [pickFrom(random, ['SYNC', 'ASYNC', 'x'])]], 0.4),
  ttl: oneKeyAnd(),
  pttl: oneKeyAnd(),
  expire: expire(relativeTime, 1),
  pexpire: expire(relativeTime, 1000),
  expireat: expire(absoluteTime, 1),
  pexpireat: expire(absoluteTime, 1000),
  expiretime: oneKeyAnd(),
  pexpiretime: oneKeyAnd(),
  persist: oneKeyAnd(),
  ping: (random) => some(random, [(next) => [value(next)]], 0.4),
  echo: (random) => [value(random)],
  time: () => [],
  getbit: (random) => [key(random), offset(random, 8)],
  setbit: (random) => [
    key(random),
    offset(random, 8),
    pickFrom(random, chance(random, 0.9) ? ['0', '1'] : ['2', '-1', ...badIntegers]),
  ],
  bitcount: (random) => [
    key(random),
    ...(chance(random, 0.8) ? range(random) : []),
    ...some(random, [unitWord], 0.3),
  ],
  bitpos: (random) => [
    key(random),
    pickFrom(random, chance(random, 0.9) ? ['0', '1'] : ['2', '-1', ...badIntegers]),
    ...some(random, [(next) => [integer(next)]], 0.5).slice(0, 2),
    ...some(random, [unitWord], 0.3),
  ],
  bitop: (random) => [
    pickFrom(random, ['AND', 'OR', 'XOR', 'NOT', 'AND', 'OR', 'XOR', 'NAND']),
    ...keys(random, 5),
  ],
};

const unknownNames = ['nosuch', '', 'gett', 'get\0', 'x'.repeat(200), 'a\r\nb', 'é%s', '-x'];

/** Few calls are enough for these, or they would leave no keys to meet. */
const rare: ReadonlySet<string> = new Set(['flushdb', 'flushall', 'ping', 'echo', 'time']);

function anyCase(random: Random, word: string): string {
  return chance(random, 0.5) ? word.toLowerCase() : word.toUpperCase();
}

/** Now and then one word too many or too few, or one that means nothing. */
function spoil(random: Random, args: readonly string[]): string[] {
  const at = randomBelow(random, args.length + 1);
  const junk = pickFrom(random, ['', 'junk', '-1', '\0', ...badIntegers]);
  const kind = randomBelow(random, 3);
  if (kind === 0) return args.toSpliced(at, 1);
  return kind === 1 ? args.toSpliced(at, 0, junk) : args.toSpliced(at, 1, junk);
}

/**
 * Commands for one round. Some names of all in each: so that those which have to do with each other
 * meet more often than by chance.
 *
 * @param names commands to choose among; each must have a shape here
 */
export function randomRound(random: Random, names: readonly string[], length: number): string[][] {
  const often = Array.from({ length: 8 }, () => pickFrom(random, names));
  return Array.from({ length }, () =>
    randomCommand(random, chance(random, 0.7) ? [...often, 'set'] : names),
  );
}

function randomCommand(random: Random, names: readonly string[]): string[] {
  if (chance(random, 0.01)) {
    const args = Array.from({ length: randomBelow(random, 5) }, () => bytes(random, 60));
    return [pickFrom(random, unknownNames), ...args];
  }
  let name = pickFrom(random, names);
  if (rare.has(name) && chance(random, 0.8)) name = pickFrom(random, ['set', 'get']);
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`no shape for ${name}`);
  const args = shape(random);
  return [anyCase(random, name), ...(chance(random, 0.05) ? spoil(random, args) : args)];
}
