// Defines a command: its entry in the command table, the input of its function and the outcome.
// Knows no executor, only the interface that one must offer.
import type { Reply } from './reply.ts';

/** The entry under a key. Value and key are byte strings; the only type is the string. */
export interface CommandEntry {
  readonly value: string;
  /** Unix milliseconds, at most `Number.MAX_SAFE_INTEGER`. None: it does not expire. */
  readonly expiresAt?: number | undefined;
}

export type CommandChange = { readonly put: CommandEntry } | 'delete';

/** The outcome of a command's function. */
export interface CommandOutcome {
  readonly reply: Reply;
  /**
   * The i-th is for the i-th key. The list is shorter if the remaining keys stay unchanged, and
   * empty if the reply is an error. The executor applies all or none, in order: keys may repeat.
   */
  readonly changes: readonly (CommandChange | undefined)[];
}

export interface CommandLimits {
  /** Bytes of a value; the counterpart of Redis's `proto-max-bulk-len`. */
  readonly valueBytesMax: number;
  /** The most keys that KEYS gives. If more match, KEYS answers an error. */
  readonly keysReplyMax: number;
}

export const defaultCommandLimits: CommandLimits = {
  valueBytesMax: 8 * 1024 * 1024,
  keysReplyMax: 100_000,
};

/** One call of a command on keys. */
export interface KeyedCall {
  /** The command's name, in lower case: error texts have it. */
  readonly name: string;
  /** The words after the name, as byte strings. */
  readonly args: readonly string[];
  /** The keys among the arguments, in order. A key may come twice. */
  readonly keys: readonly string[];
  /** The entry of each key at `now`; undefined if there is none, or if it has expired. */
  readonly entries: readonly (CommandEntry | undefined)[];
  /** Unix milliseconds. A function must take the time from nowhere else. */
  readonly now: number;
  readonly limits: CommandLimits;
}

export interface KeyPage {
  /** Keys in byte order, without expired ones. May be fewer than asked for, or empty. */
  readonly keys: readonly string[];
  /** The next page begins behind this key; undefined if there are no more. */
  readonly next: string | undefined;
}

/** An executor offers this to the commands that look at all keys. Calls may reject with any error. */
export interface Keyspace {
  /**
   * Walks the keys that begin with `prefix`, in byte order, behind the key `after`. `after` need
   * not exist. Looks at about `limit` keys at most. A walk from undefined to undefined gives a key
   * exactly once if the key exists all the time.
   */
  scan(after: string | undefined, prefix: string, limit: number): Promise<KeyPage>;
  /** Number of keys, without expired ones. */
  count(): Promise<number>;
  /** A random key, each about as likely; undefined if there is none. */
  randomKey(): Promise<string | undefined>;
  /** Deletes all keys. */
  clear(): Promise<void>;
}

/** One call of a command on the keyspace. */
export interface KeyspaceCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly limits: CommandLimits;
}

export interface ConnectionCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly now: number;
}

/** Positions of keys among the words of a command, as in COMMAND INFO. The name is word 0. */
export interface KeyPositions {
  readonly first: number;
  /** Counted from the end if negative: -1 is the last word. */
  readonly last: number;
  readonly step: number;
}

interface CommandDescription {
  /** In lower case. */
  readonly name: string;
  /** Number of words, including the name. If negative, the least number (COMMAND INFO). */
  readonly arity: number;
  /** The words after the name, in the notation of the Redis documentation. */
  readonly syntax: string;
  /** One line. */
  readonly summary: string;
  /** The effect of each option, by the option's syntax. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface KeyedCommand extends CommandDescription {
  readonly kind: 'keyed';
  readonly keys: KeyPositions;
  readonly access: 'read' | 'write';
  /** The keys that a command with access `write` only reads. By default it may write all. */
  readonly reads?: 'first key' | 'all keys but the first';
  /**
   * How much larger the values of the written keys may become. `never`: no larger. `arguments`: by no
   * more than the bytes of the arguments and the digits of an integer. By default any size is possible.
   */
  readonly grows?: 'never' | 'arguments';
  /** Pure. Refuses a call with RedisError, and throws nothing else. */
  readonly run: (call: KeyedCall) => CommandOutcome;
}

export interface KeyspaceCommand extends CommandDescription {
  readonly kind: 'keyspace';
  readonly access: 'read' | 'write';
  /** Rejects with RedisError, or with an error of the keyspace. */
  readonly run: (call: KeyspaceCall, keyspace: Keyspace) => Promise<Reply>;
}

/** A command that needs no key and no permission. */
export interface ConnectionCommand extends CommandDescription {
  readonly kind: 'connection';
  readonly access: 'none';
  /** Pure. Refuses a call with RedisError. */
  readonly run: (call: ConnectionCall) => Reply;
}

export type Command = KeyedCommand | KeyspaceCommand | ConnectionCommand;

export const oneKey: KeyPositions = { first: 1, last: 1, step: 1 };
export const twoKeys: KeyPositions = { first: 1, last: 2, step: 1 };
export const allKeys: KeyPositions = { first: 1, last: -1, step: 1 };

/** The keys that a call only reads. A key that it also writes is not among them. */
export function keysThatAreOnlyRead(
  { access, reads }: KeyedCommand,
  keys: readonly string[],
): readonly string[] {
  if (access === 'read') return keys;
  const [first, ...others] = keys;
  if (reads === 'first key') return first === undefined || others.includes(first) ? [] : [first];
  return reads === undefined ? [] : others.filter((key) => key !== first);
}

/** Answers and changes nothing. */
export function answer(reply: Reply): CommandOutcome {
  return { reply, changes: [] };
}

/** Answers and puts an entry under the first key. */
export function answerAndPut(reply: Reply, value: string, expiresAt?: number): CommandOutcome {
  return { reply, changes: [{ put: { value, expiresAt } }] };
}

/** Answers and deletes the first key. */
export function answerAndDelete(reply: Reply): CommandOutcome {
  return { reply, changes: ['delete'] };
}
