// `holdfast restore` on the command line: options and help. The work is in restore-folder.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { shardsOption } from './shards-option.ts';

const explanation = `
Exit code 0: done; 1: failed; 2: wrong usage; 3: the backup is not whole, or the folder is not empty or
in use.`;

export function restoreCommand(): Command {
  return new Command('restore')
    .description(
      'Make a data folder from a backup, with the same versions and deadlines. A backup that is not ' +
        'whole leaves nothing.',
    )
    .argument('<file>', 'file that holdfast backup has written, or a pipe; -: standard input')
    .requiredOption('--data-dir <folder>', 'folder to make, absent or empty; required')
    .addOption(shardsOption('number of shards; if absent: the number of cores, from 2 to 16'))
    .addHelpText('after', explanation)
    .action(async (file: string, options: { dataDir: string; shards?: number }) => {
      const { restoreFolder } = await import('./restore-folder.ts');
      restoreFolder(file === '-' ? file : resolve(file), resolve(options.dataDir), options.shards);
    });
}
