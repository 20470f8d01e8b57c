// `holdfast reshard` on the command line: options and help. The work is in reshard-folder.ts.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { withDamageAdvice } from './damage-advice.ts';
import { shardsOption } from './shards-option.ts';

export function reshardCommand(): Command {
  return new Command('reshard')
    .description(
      'Give the store in a data folder another number of shards, in place. No server may hold it; ' +
        'cut short at any moment, it leaves the store as it was, or done.',
    )
    .argument('<dir>', 'the data folder')
    .addOption(shardsOption('how many it is to have').makeOptionMandatory())
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
