// Adds to the error of a damaged store the commands that the operator can run.
import { StoreError } from '../base/errors.ts';
import { CommandError, exitCodes } from './command-error.ts';

/** The same error, or one that also names the commands to run. */
export function withDamageAdvice(error: unknown, dataDir: string): unknown {
  if (!(error instanceof StoreError) || error.code !== 'STORE_DAMAGED') return error;
  const folder = shellWord(dataDir);
  const advice =
    `To see all that is damaged: holdfast verify ${folder}. To save what can be saved into a new ` +
    `folder: ${repairCommandLine(dataDir)}`;
  return new CommandError(exitCodes.refused, `${error.message}. ${advice}`, error);
}

export function repairCommandLine(dataDir: string): string {
  return `holdfast repair ${shellWord(dataDir)} --to NEWDIR`;
}

/** Quoted for a shell if that is needed. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
