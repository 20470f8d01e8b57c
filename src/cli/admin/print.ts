// Prints the result of a command of administration: text for a person, or the JSON document of the API
// with --json.
import type { Command } from 'commander';
import { standardOutput } from '../standard-output.ts';

export interface Result {
  /** The document of the API; undefined if its answer has none. */
  readonly json: unknown;
  /** Whole lines. */
  readonly text: string;
}

export function addJsonOption(group: Command): Command {
  return group.option('--json', 'print the document of the HTTP API, on one line');
}

export function printsJson(command: Command): boolean {
  return command.optsWithGlobals<{ readonly json?: true }>().json === true;
}

export function printResult(command: Command, { json, text }: Result): void {
  if (!printsJson(command)) standardOutput.print(text);
  else if (json !== undefined) standardOutput.print(`${JSON.stringify(json)}\n`);
}
