// Reads tokens from the environment, or from files that the environment names. Prints no token.
// Judges no token: src/settings/server-tokens.ts does.
import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import {
  checkServerTokens,
  type GivenTokens,
  type ServerTokenTexts,
} from '../settings/server-tokens.ts';
import { usageError } from './command-error.ts';
import { readTokenVariable, tokenVariable } from './setting-spelling.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const fileSuffix = '_FILE';

/** All variables that have tokens, or name files with tokens. */
export const tokenVariables: readonly string[] = [tokenVariable, readTokenVariable].flatMap(
  (variable) => [variable, variable + fileSuffix],
);

function readLines(file: string, variable: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
  } catch (error) {
    const why = systemErrorCode(error) ?? String(error);
    throw usageError(`the file of ${variable}, ${file}, cannot be read (${why})`);
  }
}

function given(variable: string, environment: Environment): GivenTokens | undefined {
  const fileVariable = variable + fileSuffix;
  const text = environment[variable];
  const file = environment[fileVariable];
  if (text !== undefined && file !== undefined) {
    throw usageError(`${variable} and ${fileVariable} are both set; allowed: one of them`);
  }
  if (text !== undefined) return { origin: variable, texts: text.split(',') };
  if (file === undefined) return undefined;
  if (file === '') throw usageError(`${fileVariable} is set but empty; allowed: a file's path`);
  return { origin: fileVariable, texts: readLines(file, fileVariable) };
}

/**
 * The tokens that a server starts with.
 *
 * @throws SettingError, CommandError: exit code 2
 */
export function serverTokensOf(environment: Environment): ServerTokenTexts {
  return checkServerTokens(
    given(tokenVariable, environment),
    given(readTokenVariable, environment),
  );
}

/**
 * The token that a command sends to a server: the first of those that the server would take. An
 * empty variable counts as not set.
 */
export function clientTokenOf(environment: Environment): GivenTokens | undefined {
  const set = Object.entries(environment).filter(([, text]) => text !== '');
  return given(tokenVariable, Object.fromEntries(set));
}
