// Random commands, each with its way to the server. Keys are in several shards. Some have one {hash
// tag}, so that commands on several keys find them together.
import { isUtf8 } from 'node:buffer';
import { byteStringOfText } from '../../../src/base/byte-string.ts';
import { commandTable } from '../../../src/commands/command-table.ts';
import { pickFrom, type Random } from '../random.ts';
import { chance } from './random-arguments.ts';
import { randomRound } from './random-redis-commands.ts';

/**
 * `pipeline` is one of a list of commands. `transaction` is the same at one moment, with a reply in
 * JSON. `json` and `base64` are alone, as a list of words, with a reply in JSON. `path` has all
 * words in the path. `body` has the third word in the body, and the later ones in the query.
 */
export type Form = 'pipeline' | 'transaction' | 'json' | 'base64' | 'path' | 'body';

export interface SentCommand {
  /** Byte strings. */
  readonly words: readonly string[];
  readonly form: Form;
  /** True: the next command goes into another pipeline or transaction. */
  readonly endsRequest: boolean;
  /** True: words that JSON can write as numbers are sent as numbers. */
  readonly hasNumbers: boolean;
}

/** A comparison of their bytes would fail, so these replies are compared as RESP only. */
const comparedByMeaning: ReadonlySet<string> = new Set(
  ['ttl', 'pttl', 'expiretime', 'pexpiretime', 'keys', 'scan', 'randomkey', 'time'].concat(
    'incrbyfloat',
  ),
);

const names = [...commandTable.keys()];

export function nameOf(words: readonly string[]): string {
  return (words[0] ?? '').toLowerCase();
}

/** The indexes of words that are keys, for any number of words. */
function keyIndexes(words: readonly string[]): number[] {
  const command = commandTable.get(nameOf(words));
  if (command?.kind !== 'keyed') return [];
  const { first, last, step } = command.keys;
  const end = last < 0 ? words.length + last : last;
  const indexes = [...words.keys()];
  return indexes.filter((i) => i >= first && i <= end && (i - first) % step === 0);
}

export function isText(bytes: string): boolean {
  return isUtf8(Buffer.from(bytes, 'latin1'));
}

/** The store's rule for keys: text that is not empty. No key here is too long. */
export function isKey(bytes: string): boolean {
  return bytes !== '' && isText(bytes);
}

/** Words as JSON carries them: bytes beyond ASCII become characters. */
function textOf(bytes: string): string {
  return isText(bytes) ? bytes : byteStringOfText(bytes);
}

function keyOf(random: Random, word: string): string {
  return isKey(word) || chance(random, 0.1) ? word : textOf(word) || 'e';
}

function withKeys(random: Random, words: readonly string[]): readonly string[] {
  const indexes = keyIndexes(words);
  const isTagged = chance(random, 0.4);
  const isBinary = chance(random, 0.5);
  return words.map((word, index) => {
    if (!indexes.includes(index)) return isBinary ? word : textOf(word);
    const key = keyOf(random, word);
    return isTagged && key !== '' ? `{t}${key}` : key;
  });
}

/** A query has no empty words, and the server drops its token. */
function fitsBody(words: readonly string[]): boolean {
  return words.length > 2 && !words.slice(2).some((word) => word === '' || word === '_token');
}

function formOf(random: Random, words: readonly string[]): Form {
  const kind = random();
  const isComparedByMeaning = comparedByMeaning.has(nameOf(words));
  if (words.every(isText)) {
    if (kind < 0.86 || words[0] === '') return 'pipeline';
    if (kind < 0.93 && !isComparedByMeaning) return pickFrom(random, ['json', 'base64']);
  }
  return fitsBody(words) && chance(random, 0.5) ? 'body' : 'path';
}

/**
 * A command that no transaction allows is rare in one, because it would discard the whole transaction.
 */
function fitsTransaction(random: Random, words: readonly string[]): boolean {
  const name = nameOf(words);
  if (!words.every(isText) || comparedByMeaning.has(name)) return false;
  return commandTable.get(name)?.kind === 'keyed' || chance(random, 0.1);
}

export function randomSentRound(random: Random, length: number): SentCommand[] {
  let isTransaction = false;
  return randomRound(random, names, length).map((plain) => {
    const words = withKeys(random, plain);
    if (!isTransaction) isTransaction = chance(random, 0.04);
    const hasNumbers = chance(random, 0.5);
    if (isTransaction && fitsTransaction(random, words)) {
      const endsRequest = chance(random, 0.1);
      isTransaction = !endsRequest;
      return { words, form: 'transaction', endsRequest, hasNumbers };
    }
    const form = formOf(random, words);
    return { words, form, endsRequest: chance(random, 0.02), hasNumbers };
  });
}
