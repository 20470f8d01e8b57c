// Random commands of the dialect from a seed, with all their options, valid and invalid.
import { pickFrom, randomBelow, type Random } from '../random.ts';
import {
  absoluteTime,
  badIntegers,
  bytes,
  chance,
  expiry,
  float,
  int64s,
  integer,
  key,
  keys,
  offset,
  pattern,
  relativeTime,
  some,
  value,
  type Words,
} from './random-arguments.ts';

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
  // Beyond 2^53 all deadlines are equal to Holdfast: comparing them is a known difference.
  return time.length > 15 ? [] : some(random, [word], 0.4);
}

const expire =
  (time: (random: Random, unit: number) => string, unit: number): Words =>
  (random) => {
    const at = time(random, unit);
    return [key(random), at, ...expireOptions(random, at)];
  };

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

/** Avoids offsets that only one of the two takes: known differences. */
function fieldOffset(random: Random): string {
  const kind = random();
  if (kind < 0.1) return pickFrom(random, [...int64s, ...badIntegers, '-1', '#', '#-1', '##1']);
  if (kind < 0.15) return `#${pickFrom(random, [...int64s, ...badIntegers])}`;
  return kind < 0.5 ? `#${randomBelow(random, 12)}` : String(randomBelow(random, 400));
}

function fieldType(random: Random): string {
  const kind = random();
  if (kind < 0.06)
    return pickFrom(random, ['i65', 'u64', 'u0', 'i-1', 'U8', 'i', 'u08', 'u8\0x', 'x8', '8', '']);
  if (kind < 0.3) return pickFrom(random, ['i64', 'u63', 'i1', 'u1', 'i53', 'u53', 'u52', 'i54']);
  return `${pickFrom(random, ['i', 'u'])}${1 + randomBelow(random, 34)}`;
}

function fieldValue(random: Random): string {
  if (chance(random, 0.6)) return integer(random);
  const size = 2 ** randomBelow(random, 40);
  return String((chance(random, 0.5) ? -1 : 1) * (size + randomBelow(random, 3) - 1));
}

const fieldRead: Words = (random) => ['GET', fieldType(random), fieldOffset(random)];
const fieldSteps: Words[] = [
  fieldRead,
  (random) => ['SET', fieldType(random), fieldOffset(random), fieldValue(random)],
  (random) => ['INCRBY', fieldType(random), fieldOffset(random), fieldValue(random)],
  (random) => ['incrby', fieldType(random), fieldOffset(random), fieldValue(random)],
  (random) => [
    'OVERFLOW',
    pickFrom(random, ['WRAP', 'SAT', 'FAIL', 'sat', 'fail\0x', 'FAIL', 'x']),
  ],
];

const lcsOptions: Words[] = [
  () => ['IDX'],
  () => ['LEN'],
  () => ['WITHMATCHLEN'],
  (random) => [
    'MINMATCHLEN',
    chance(random, 0.8) ? String(randomBelow(random, 4)) : integer(random),
  ],
  (random) => [pickFrom(random, ['idx', 'len\0x', 'MINMATCHLEN', 'foo', 'withmatchlen'])],
];

/**
 * Avoids offsets between the two limits, at which Holdfast reads zeros and Redis refuses: a known
 * difference.
 */
function readOffset(random: Random): string {
  const text = offset(random, 8);
  return /^[0-9]{7,10}$/.test(text) ? '0' : text;
}

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
  getbit: oneKeyAnd(readOffset),
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
    ...some(random, [(next) => [integer(next)]], 0.75).slice(0, 2),
    ...some(random, [unitWord], 0.3),
  ],
  bitfield: (random) => [key(random), ...some(random, fieldSteps, 0.7)],
  bitfield_ro: (random) => [
    key(random),
    ...some(random, chance(random, 0.9) ? [fieldRead] : fieldSteps, 0.6),
  ],
  lcs: (random) => [key(random), key(random), ...some(random, lcsOptions, 0.5)],
  bitop: (random) => [
    pickFrom(random, ['AND', 'OR', 'XOR', 'NOT', 'AND', 'OR', 'XOR', 'NAND']),
    ...keys(random, 5),
  ],
};

const unknownNames = ['nosuch', '', 'gett', 'get\0', 'x'.repeat(200), 'a\r\nb', 'é%s', '-x'];

/** These must be rare, because they would remove all keys, or do nothing. */
const rare: ReadonlySet<string> = new Set(['flushdb', 'flushall', 'ping', 'echo', 'time']);

function anyCase(random: Random, word: string): string {
  return chance(random, 0.5) ? word.toLowerCase() : word.toUpperCase();
}

/** Sometimes adds a word, drops one, or puts in a meaningless one. */
function spoil(random: Random, args: readonly string[]): string[] {
  const at = randomBelow(random, args.length + 1);
  const junk = pickFrom(random, ['', 'junk', '-1', '\0', ...badIntegers]);
  const kind = randomBelow(random, 3);
  if (kind === 0) return args.toSpliced(at, 1);
  return kind === 1 ? args.toSpliced(at, 0, junk) : args.toSpliced(at, 1, junk);
}

/**
 * Makes the commands of one round. Each round uses only some of the names, so that related commands
 * meet more often.
 *
 * @param names commands to choose from; each must have a shape here
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
