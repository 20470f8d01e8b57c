// Defines the options of every command that talks to a running server, and what its help says of
// credentials. server-request.ts checks them.
import type { Command } from 'commander';
import type { ServerRequestOptions } from './server-request.ts';
import { tokenVariable } from './setting-spelling.ts';

/** The options as commander gives them. */
export interface TypedServerOptions extends Omit<ServerRequestOptions, 'url' | 'header'> {
  /** Undefined if there is no --header. */
  readonly header?: readonly string[];
}

/** Adds all of them but --url. */
export function addServerOptions(command: Command): Command {
  return command
    .option('--header <line>', "header to send, 'Name: value'; may be repeated", collect)
    .option('--token <token>', 'token to send')
    .option('--token-file <file>', 'file that holds the token');
}

/** Without a default: help would print an empty list as `[]`. */
function collect(line: string, lines: readonly string[] = []): readonly string[] {
  return [...lines, line];
}

export const credentialHelp = `
The server, or a proxy in front of it, may ask for a credential. The command sends a token as
"Authorization: Bearer", and a user name and password in --url as "Authorization: Basic". Other users
of the machine can see a command line: prefer --token-file or the variable ${tokenVariable}. The
command prints no credential, and sends none to another origin that the server redirects to.`;
