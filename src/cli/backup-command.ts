// `holdfast backup` on the command line: options and help. The work is in download-backup.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { backupRequest, type BackupRequestOptions } from './backup-request.ts';
import { tokenVariable } from './setting-spelling.ts';
import { neverBlockOnStandardError } from './standard-streams.ts';

const explanation = `
A proxy in front of the server may ask for a credential. The command sends a token as
"Authorization: Bearer", and a user name and password in --url as "Authorization: Basic". Other users
of the machine can see a command line: prefer --token-file or the variable ${tokenVariable}. The
command prints no credential, and sends none to another origin that the server redirects to.

Exit code 0: done; 1: failed; 2: wrong usage.`;

interface Typed extends Omit<BackupRequestOptions, 'header'> {
  readonly to: string;
  /** Undefined if there is no --header. */
  readonly header?: readonly string[];
}

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'Write a backup of a running server to a file: all entries at one moment, proved before the ' +
        'file has its name.',
    )
    .requiredOption('--url <url>', 'address of the server, such as http://127.0.0.1:7411; required')
    .requiredOption('--to <file>', 'file to write, which does not exist yet; required')
    .option('--header <line>', "header to send, 'Name: value'; may be repeated", collect)
    .option('--token <token>', 'token to send')
    .option('--token-file <file>', 'file that holds the token')
    .addHelpText('after', explanation)
    .action(async (typed: Typed) => {
      const request = backupRequest({ ...typed, header: typed.header ?? [] }, process.env);
      neverBlockOnStandardError();
      const { downloadBackup } = await import('./download-backup.ts');
      await downloadBackup(request, resolve(typed.to));
    });
}

/** Without a default: help would print an empty list as `[]`. */
function collect(line: string, lines: readonly string[] = []): readonly string[] {
  return [...lines, line];
}
