// The one table of commands. Parsing, errors of arity, permissions and documentation come from it.
// A new command needs only an entry and its function, in the file of its family.
import { bitCommands } from './bit-commands.ts';
import { bitFieldCommands } from './bit-field-commands.ts';
import type { Command } from './command.ts';
import { connectionCommands } from './connection-commands.ts';
import { expiryCommands } from './expiry-commands.ts';
import { keyCommands } from './key-commands.ts';
import { keyspaceCommands } from './keyspace-commands.ts';
import { lcsCommands } from './lcs-commands.ts';
import { numberCommands } from './number-commands.ts';
import { rangeCommands } from './range-commands.ts';
import { setCommands } from './set-commands.ts';
import { stringCommands } from './string-commands.ts';

const families: readonly (readonly Command[])[] = [
  stringCommands,
  setCommands,
  rangeCommands,
  numberCommands,
  bitCommands,
  bitFieldCommands,
  lcsCommands,
  keyspaceCommands,
  connectionCommands,
  keyCommands,
  expiryCommands,
];

/** By name in lower case. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  families.flat().map((command) => [command.name, command]),
);
