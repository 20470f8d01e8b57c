// `holdfast backup` on the command line. What it does is download-backup.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { usageError } from './command-error.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'Write a backup of a running server to a file: all entries at one moment, proved before the ' +
        'file has its name.',
    )
    .requiredOption('--url <url>', 'where the server listens', parseUrl)
    .requiredOption('--to <file>', 'file that does not exist yet')
    .action(async ({ url, to }: { url: URL; to: string }) => {
      const { downloadBackup } = await import('./download-backup.ts');
      await downloadBackup(url, resolve(to));
    });
}

function parseUrl(typed: string): URL {
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw usageError(`--url is "${typed}"; allowed: an address like http://127.0.0.1:7411`);
}
