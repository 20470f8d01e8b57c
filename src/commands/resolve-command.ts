// Finds the command of a request in the table, and its keys. Owns the errors for unknown commands
// and for wrong numbers of words. The caller judges permissions, by the returned command.
import { untilNul } from './argument.ts';
import type { Command } from './command.ts';
import { commandTable } from './command-table.ts';
import { error, wrongArity, type Reply } from './reply.ts';

export interface ResolvedCommand {
  readonly command: Command;
  /** The words after the name. */
  readonly args: readonly string[];
  /** The keys among them, in order; a key may come twice. */
  readonly keys: readonly string[];
}

/** Bytes of names and arguments that an error repeats, at most. */
const repeatedMax = 128;

function unknownCommand(words: readonly string[]): Reply {
  let args = '';
  for (const word of words.slice(1)) {
    if (args.length >= repeatedMax) break;
    args += `'${untilNul(word).slice(0, repeatedMax - args.length)}' `;
  }
  const name = untilNul(words[0] ?? '').slice(0, repeatedMax);
  return error(`unknown command '${name}', with args beginning with: ${args}`);
}

function keysAmong(command: Command, words: readonly string[]): string[] {
  if (command.kind !== 'keyed') return [];
  const { first, last, step } = command.keys;
  const end = last < 0 ? words.length + last : Math.min(last, words.length - 1);
  const keys: string[] = [];
  for (let at = first; at <= end; at += step) keys.push(words[at] ?? '');
  return keys;
}

/**
 * @param words the command's name, in any case, and its arguments; byte strings
 * @returns the command; Redis's error if there is none, or if the number of words is wrong
 */
export function resolveCommand(words: readonly string[]): ResolvedCommand | Reply {
  const [name = ''] = words;
  const command = commandTable.get(name) ?? commandTable.get(name.toLowerCase());
  if (command === undefined) return unknownCommand(words);
  const { arity } = command;
  const fits = arity < 0 ? words.length >= -arity : words.length === arity;
  if (!fits) return error(wrongArity(command.name).message);
  return { command, args: words.slice(1), keys: keysAmong(command, words) };
}

export function isResolved(found: ResolvedCommand | Reply): found is ResolvedCommand {
  return 'command' in found;
}
