// `holdfast restore` on the command line: options and help. The work is in restore-folder.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { shardsOption } from './shards-option.ts';

export function restoreCommand(): Command {
  return new Command('restore')
    .description(
      'Make a data folder from a backup, with the same versions and deadlines. Nothing is made of a ' +
        'backup that does not prove itself whole.',
    )
    .argument('<file>', 'what holdfast backup has written, or a pipe; -: standard input')
    .requiredOption('--data-dir <folder>', 'folder that is absent or empty')
    .addOption(
      shardsOption('how many shards it is to have; left out: the number of cores, from 2 to 16'),
    )
    .action(async (file: string, options: { dataDir: string; shards?: number }) => {
      const { restoreFolder } = await import('./restore-folder.ts');
      restoreFolder(file === '-' ? file : resolve(file), resolve(options.dataDir), options.shards);
    });
}
