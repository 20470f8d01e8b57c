// The one table of commands. Parsing, errors of arity, permissions and documentation come from it;
// to add a command is to add an entry and its function to the file of its family.
import type { Command } from './command.ts';
import { expiryCommands } from './expiry-commands.ts';
import { keyCommands } from './key-commands.ts';
import { setCommands } from './set-commands.ts';
import { stringCommands } from './string-commands.ts';

const families: readonly (readonly Command[])[] = [
  stringCommands,
  setCommands,
  keyCommands,
  expiryCommands,
];

/** By name in lower case. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  families.flat().map((command) => [command.name, command]),
);
