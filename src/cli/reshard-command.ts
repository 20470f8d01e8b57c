// `holdfast reshard` on the command line: options and help. The work is in reshard-folder.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { withDamageAdvice } from './damage-advice.ts';
import { shardsOption } from './shards-option.ts';

const explanation = `
Exit code 0: done; 1: failed, or there is no store to be read; 2: wrong usage; 3: a server uses the
folder, or it is damaged, or another version of the program wrote it.`;

export function reshardCommand(): Command {
  return new Command('reshard')
    .description(
      'Give a data folder another number of shards, in place, while no server uses it. Ended at any ' +
        'moment, it leaves the old number or the new one, with all entries.',
    )
    .argument('<dir>', 'the data folder')
    .addOption(shardsOption('new number of shards; required').makeOptionMandatory())
    .addHelpText('after', explanation)
    .action(async (dir: string, { shards }: { shards: number }) => {
      const { reshardFolder } = await import('./reshard-folder.ts');
      const dataDir = resolve(dir);
      try {
        reshardFolder(dataDir, shards);
      } catch (error) {
        throw withDamageAdvice(error, dataDir);
      }
    });
}
