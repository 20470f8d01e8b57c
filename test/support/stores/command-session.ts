// Runs commands as a test types them, and gives replies as plain values, and errors as their messages.
import type { CommandLimits } from '../../../src/commands/command.ts';
import type { Reply } from '../../../src/commands/reply.ts';
import { CommandExecutor } from './command-executor.ts';

export type Plain = string | number | bigint | null | readonly Plain[];

export function plain(reply: Reply): Plain {
  if (reply.kind === 'status') return reply.text;
  if (reply.kind === 'error') return reply.message;
  if (reply.kind === 'array') return reply.items?.map(plain) ?? null;
  return reply.value;
}

export class CommandSession {
  readonly executor: CommandExecutor;
  /** Unix milliseconds. */
  now = 1_800_000_000_000;

  constructor(limits?: CommandLimits, stepMax?: number) {
    this.executor = new CommandExecutor(limits, stepMax);
  }

  async run(...words: readonly (string | number)[]): Promise<Plain> {
    return plain(await this.executor.execute(words.map(String), this.now));
  }

  /** Runs a line of words, separated by single spaces. */
  type(line: string): Promise<Plain> {
    return this.run(...line.split(' '));
  }
}
