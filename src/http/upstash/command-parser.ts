// Turns the words of a command into a parsed command, and finds its faults before the store is asked.
// Knows no store.
import { isUtf8 } from 'node:buffer';
import { isAsciiText } from '../../base/byte-string.ts';
import type { Clock } from '../../base/clock.ts';
import {
  defaultCommandLimits,
  type CommandLimits,
  type KeyspaceCommand,
} from '../../commands/command.ts';
import { error, type Reply } from '../../commands/reply.ts';
import { isResolved, resolveCommand } from '../../commands/resolve-command.ts';
import { runOnConnection } from '../../commands/run-command.ts';
import type { PlannedCommand } from '../../store/command-plan.ts';

export interface ParsedKeyedCommand extends PlannedCommand {
  readonly kind: 'keyed';
}

export interface ParsedKeyspaceCommand {
  readonly kind: 'keyspace';
  readonly command: KeyspaceCommand;
  readonly args: readonly string[];
}

/** A command that needs no store: a faulty one, or one that is about nothing in the store. */
export interface AnsweredCommand {
  readonly kind: 'answered';
  readonly reply: Reply;
  /** True if the command ran, even to an error; false if the command could not begin. */
  readonly isRun: boolean;
}

export type ParsedCommand = ParsedKeyedCommand | ParsedKeyspaceCommand | AnsweredCommand;

export interface CommandParserOptions {
  readonly clock: Clock;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

export class CommandParser {
  readonly #options: CommandParserOptions;
  readonly limits: CommandLimits;

  constructor(options: CommandParserOptions) {
    this.#options = options;
    this.limits = { ...defaultCommandLimits, valueBytesMax: options.valueBytesMax };
  }

  parse(words: readonly string[]): ParsedCommand {
    const found = resolveCommand(words);
    if (!isResolved(found)) return { kind: 'answered', reply: found, isRun: false };
    const { command, args, keys } = found;
    if (command.kind === 'connection') {
      const reply = runOnConnection(command, args, this.#options.clock.wallMs());
      return { kind: 'answered', reply, isRun: true };
    }
    if (command.kind === 'keyspace') return { kind: 'keyspace', command, args };
    for (const key of keys) {
      const fault = this.#faultOf(key);
      if (fault !== undefined) return { kind: 'answered', reply: fault, isRun: false };
    }
    return { kind: 'keyed', command, args, keys };
  }

  #faultOf(key: string): Reply | undefined {
    const { keyBytesMax } = this.#options;
    if (key === '') return error('a key must not be empty');
    if (key.length > keyBytesMax) return error(`a key may have at most ${keyBytesMax} bytes`);
    if (isAsciiText(key) || isUtf8(Buffer.from(key, 'latin1'))) return undefined;
    return error('a key must be valid UTF-8');
  }
}

/** The command's name; undefined if the words name none that needs a store. */
export function nameOf(parsed: ParsedCommand): string | undefined {
  return parsed.kind === 'answered' ? undefined : parsed.command.name;
}

/** True if any of the commands may change something. */
export function mayWrite(commands: readonly ParsedCommand[]): boolean {
  return commands.some((parsed) => parsed.kind !== 'answered' && parsed.command.access === 'write');
}
