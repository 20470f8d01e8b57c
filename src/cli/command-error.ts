// Owns the exit codes of every command, and the exit code of each failure. Prints nothing.
import { StoreError } from '../base/errors.ts';
import { SettingError } from '../settings/setting-error.ts';

export const exitCodes = {
  done: 0,
  /** The command tried and failed. For verify and repair: damaged, or something was lost. */
  failed: 1,
  /** Wrong usage: a flag, a setting or a value that is not allowed. */
  usage: 2,
  /** The store refuses: it is damaged, in use, or does not fit. */
  refused: 3,
} as const;

/** Ends a command; `message` is one line for a person, naming what is wrong and what is allowed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(exitCodes.usage, message);
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof SettingError) return exitCodes.usage;
  if (!(error instanceof StoreError)) return exitCodes.failed;
  const refusals: readonly string[] = ['STORE_DAMAGED', 'STORE_IN_USE', 'STORE_MISMATCH'];
  return refusals.includes(error.code) ? exitCodes.refused : exitCodes.failed;
}
