// `holdfast backup` on the command line: options and help. The work is in download-backup.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { namespaceOption } from './namespace-option.ts';
import { addServerOptions, credentialHelp, type TypedServerOptions } from './server-options.ts';
import { serverRequest } from './server-request.ts';
import { neverBlockOnStandardError } from './standard-streams.ts';

const explanation = `${credentialHelp}

Exit code 0: done; 1: failed; 2: wrong usage.`;

interface Typed extends TypedServerOptions {
  readonly url: string;
  readonly to: string;
  readonly namespace?: string;
}

export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Write a backup of a running server to a file: all entries at one moment, or those of one ' +
        'namespace, proved before the file has its name.',
    )
    .requiredOption('--url <url>', 'address of the server, such as http://127.0.0.1:7411; required')
    .requiredOption('--to <file>', 'file to write, which does not exist yet; required')
    .addOption(namespaceOption('namespace', 'back up this namespace alone'));
  return addServerOptions(command)
    .addHelpText('after', explanation)
    .action(async (typed: Typed) => {
      const request = serverRequest({ ...typed, header: typed.header ?? [] }, process.env);
      neverBlockOnStandardError();
      const { downloadBackup } = await import('./download-backup.ts');
      await downloadBackup({ request, path: resolve(typed.to), namespace: typed.namespace });
    });
}
