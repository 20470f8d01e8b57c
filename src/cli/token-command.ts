// `holdfast token` on the command line: the group of commands for tokens.
import { Command } from 'commander';
import { newToken } from './new-token.ts';
import { tokenVariable } from './setting-spelling.ts';
import { standardOutput } from './standard-output.ts';

const explanation = `
Prints 43 characters and stores nothing: ${tokenVariable}=$(holdfast token new) holdfast serve`;

export function tokenCommand(): Command {
  return new Command('token').description('Work with tokens.').addCommand(newCommand());
}

function newCommand(): Command {
  return new Command('new')
    .description(`Print a new token of 256 random bits, for ${tokenVariable}.`)
    .addHelpText('after', explanation)
    .action(() => standardOutput.print(`${newToken()}\n`));
}
