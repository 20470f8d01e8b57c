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
  /** What stands behind the name. Byte strings. */
  readonly args: readonly string[];
  /** The keys among the arguments, in their order; a key may come twice. */
  readonly keys: readonly string[];
  /** The entry of each key at `now`; undefined if there is none, or if it has expired. */
  readonly entries: readonly (CommandEntry | undefined)[];
  /** Unix milliseconds. The one source of time. */
  readonly now: number;
  readonly limits: CommandLimits;
}

export interface KeyPage {
  /** Keys in byte order, none expired; may be fewer than were asked for, and none at all. */
  readonly keys: readonly string[];
  /** The next page begins behind this key; undefined if there are no more. */
  readonly next: string | undefined;
}

/** What an executor must offer for the commands that look at all keys. Rejects as it likes. */
export interface Keyspace {
  /**
   * Walks the keys that begin with `prefix`, in byte order, behind the key `after` (exclusive; it
   * need not exist), and looks at no more than about `limit` of them. A walk from undefined to
   * undefined gives every key that is there throughout exactly once.
   */
  scan(after: string | undefined, prefix: string, limit: number): Promise<KeyPage>;
  /** How many keys there are, expired ones not counted. */
  count(): Promise<number>;
  /** Any key, each about as likely; undefined if there is none. */
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

/** Where keys stand among the words of a command, as in COMMAND INFO: the name is word 0. */
export interface KeyPositions {
  readonly first: number;
  /** Counted from the end if negative: -1 is the last word. */
  readonly last: number;
  readonly step: number;
}

interface CommandDescription {
  /** In lower case. */
  readonly name: string;
  /** Words, the name among them; negative: at least so many (COMMAND INFO). */
  readonly arity: number;
  /** The words behind the name, in the notation of the Redis documentation. */
  readonly syntax: string;
  /** One line. */
  readonly summary: string;
  /** What each option does, by its syntax. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface KeyedCommand extends CommandDescription {
  readonly kind: 'keyed';
  readonly keys: KeyPositions;
  readonly access: 'read' | 'write';
  /** Pure. Throws CommandError, and nothing else, for what it refuses. */
  readonly run: (call: KeyedCall) => CommandOutcome;
}

export interface KeyspaceCommand extends CommandDescription {
  readonly kind: 'keyspace';
  readonly access: 'read' | 'write';
  /** Throws (rejects with) CommandError, and what the keyspace does. */
  readonly run: (call: KeyspaceCall, keyspace: Keyspace) => Promise<Reply>;
}

/** Needs no key and no right. */
export interface ConnectionCommand extends CommandDescription {
  readonly kind: 'connection';
  readonly access: 'none';
  /** Pure. Throws CommandError. */
  readonly run: (call: ConnectionCall) => Reply;
}

export type Command = KeyedCommand | KeyspaceCommand | ConnectionCommand;

export const oneKey: KeyPositions = { first: 1, last: 1, step: 1 };
export const twoKeys: KeyPositions = { first: 1, last: 2, step: 1 };
export const allKeys: KeyPositions = { first: 1, last: -1, step: 1 };

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
