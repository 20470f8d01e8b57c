// `holdfast dump` on the command line: options and help. src/tools/dump-store.ts makes the lines.
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { dataBytes } from '../tools/data-bytes.ts';
import { withDamageAdvice } from './damage-advice.ts';
import { withOfflineFolder, type OfflineFolder } from './offline-folder.ts';
import { standardOutput } from './standard-output.ts';

const explanation = `
Reads a store that no server uses, and changes nothing. Prints one entry a line, in the order of the
keys' bytes. It checks everything before the first line, and prints nothing of a damaged store.

  {"key":"city","value":"Orléans","version":7}
  {"key":"raw","valueBase64":"/wA=","version":8,"expiresAt":1764000060002}

A value that is not UTF-8 text is in "valueBase64". Entries outside the default namespace begin with
"namespace". Expired entries are left out.

Exit code 0: done; 1: there is no store to be read; 2: wrong usage; 3: a server uses the folder, or it
is damaged, or another version of the program wrote it.`;

export function dumpCommand(): Command {
  return new Command('dump')
    .description('Print all entries of a data folder as JSON lines.')
    .argument('<dir>', 'the data folder')
    .addHelpText('after', explanation)
    .action(async (dir: string) => {
      await withOfflineFolder(dir, dump);
    });
}

async function dump({ dataDir, fileSystem, progress }: OfflineFolder): Promise<void> {
  const { dumpStore } = await import('../tools/dump-store.ts');
  const bytes = dataBytes(fileSystem, dataDir);
  try {
    progress.begin('checking', bytes);
    const pieces = dumpStore(fileSystem, dataDir, systemClock.wallMs());
    progress.begin('dumping', bytes);
    for (const piece of pieces) {
      if (!(await standardOutput.write(piece))) return;
    }
  } catch (error) {
    throw withDamageAdvice(error, dataDir);
  }
}
