// `holdfast backup` on the command line: options and help. The work is in download-backup.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { backupRequest, type BackupRequestOptions } from './backup-request.ts';
import { tokenVariable } from './setting-spelling.ts';
import { neverBlockOnStandardError } from './standard-streams.ts';

const explanation = `
For a server behind a proxy that asks who comes: a token is sent as "Authorization: Bearer", a user
name and password in --url as "Authorization: Basic". Other users of the machine can see what is typed:
a token had better come from --token-file or the environment (${tokenVariable}). None of them is
printed, or sent on to another origin that the server redirects to.`;

interface Typed extends BackupRequestOptions {
  readonly to: string;
}

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'Write a backup of a running server to a file: all entries at one moment, proved before the ' +
        'file has its name.',
    )
    .requiredOption('--url <url>', 'where the server listens')
    .requiredOption('--to <file>', 'file that does not exist yet')
    .option('--header <line>', "header to send, 'Name: value'; may be repeated", collect, [])
    .option('--token <token>', 'token to show to the server')
    .option('--token-file <file>', 'file that holds the token')
    .addHelpText('after', explanation)
    .action(async (typed: Typed) => {
      const request = backupRequest(typed, process.env);
      neverBlockOnStandardError();
      const { downloadBackup } = await import('./download-backup.ts');
      await downloadBackup(request, resolve(typed.to));
    });
}

function collect(line: string, lines: readonly string[]): readonly string[] {
  return [...lines, line];
}
