// `holdfast verify` on the command line: options and help. src/tools/verify-store.ts verifies.
import { Command } from 'commander';
import { dataBytes } from '../tools/data-bytes.ts';
import { CommandError, exitCodes } from './command-error.ts';
import { repairCommandLine } from './damage-advice.ts';
import { withOfflineFolder } from './offline-folder.ts';
import { standardOutput } from './standard-output.ts';

const explanation = `
Reads a store that no server uses, every byte that a start would read, and changes nothing; a
read-only file system will do. Each line on standard output begins with one of these:

  damaged: ...   a start refuses the store for this
  torn tail: ... bytes that a crash left behind the last synced write; a start cuts it off
  in-doubt: ...  a transaction that a crash cut short; the line says how a start decides it
  spare: ...     damage of files that the last compaction replaced; no start needs them
  unused: ...    a file that is not part of the store
  good: ...      the last line for a good store

Exit code 0: good; 1: damaged, or there is no store to be read; 2: wrong usage; 3: a server
uses the folder, or another version of the program wrote it.`;

const report = (verdict: string, text: string): void =>
  standardOutput.print(`${verdict}: ${text}\n`);

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Check every file of a data folder, and change nothing.')
    .argument('<dir>', 'the data folder')
    .addHelpText('after', explanation)
    .action(async (dir: string) => {
      const { verifyStore } = await import('../tools/verify-store.ts');
      await withOfflineFolder(dir, async ({ dataDir, fileSystem, progress }) => {
        const bytes = dataBytes(fileSystem, dataDir);
        progress.begin('verifying', bytes);
        const { shards, damaged, first } = verifyStore({ fileSystem, dataDir, report });
        if (first === undefined) {
          const size = (bytes / 2 ** 20).toFixed(1);
          standardOutput.print(`good: ${shards} shards, ${size} MiB\n`);
        }
        await standardOutput.finish();
        if (first === undefined) return;
        const places = damaged === 1 ? 'one place' : `${damaged} places`;
        throw new CommandError(
          exitCodes.failed,
          `damaged in ${places}: ${first}. To save what can be saved into a new folder: ` +
            repairCommandLine(dataDir),
        );
      });
    });
}
