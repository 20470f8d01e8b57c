// `holdfast dump` on the command line: options and help. src/tools/dump-store.ts makes the lines.
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import { dataBytes } from '../tools/data-bytes.ts';
import { withDamageAdvice } from './damage-advice.ts';
import { namespaceOption } from './namespace-option.ts';
import { withOfflineFolder, type OfflineFolder } from './offline-folder.ts';
import { standardOutput } from './standard-output.ts';
import { unknownNamespace } from './unknown-namespace.ts';

const explanation = `
Reads a store that no server uses, and changes nothing. Prints one entry a line, in the order of the
keys' bytes. It checks everything before the first line, and prints nothing of a damaged store.

  {"key":"city","value":"Orléans","version":7}
  {"key":"raw","valueBase64":"/wA=","version":8,"expiresAt":1764000060002}

A value that is not UTF-8 text is in "valueBase64". Entries outside the default namespace begin with
"namespace". Expired entries are left out.

With --namespace, the command reads and checks the journals, and of the snapshots that namespace alone.
If the namespace has no entry, the exit code is 1, and the error names those that have some. The
namespace default always exists.

Exit code 0: done; 1: there is no store or no such namespace to be read; 2: wrong usage; 3: a server uses the folder, or it
is damaged, or another version of the program wrote it.`;

export function dumpCommand(): Command {
  return new Command('dump')
    .description('Print all entries of a data folder as JSON lines.')
    .argument('<dir>', 'the data folder')
    .addOption(namespaceOption('namespace', 'print the entries of this namespace alone'))
    .addHelpText('after', explanation)
    .action(async (dir: string, { namespace }: { readonly namespace?: string }) => {
      await withOfflineFolder(dir, (folder) => dump(folder, namespace));
    });
}

async function dump(
  { dataDir, fileSystem, progress }: OfflineFolder,
  namespace: string | undefined,
): Promise<void> {
  const { dumpStore, namespacesOfStore } = await import('../tools/dump-store.ts');
  // The share of one namespace is not known before it is read.
  const bytes = namespace === undefined ? dataBytes(fileSystem, dataDir) : undefined;
  try {
    progress.begin('checking', bytes);
    const pieces = dumpStore(fileSystem, dataDir, systemClock.wallMs(), namespace);
    progress.begin('dumping', bytes);
    let isEmpty = true;
    for (const piece of pieces) {
      isEmpty = false;
      if (!(await standardOutput.write(piece))) return;
    }
    if (!isEmpty || namespace === undefined || namespace === defaultNamespace) return;
    // A mistyped name must not look like an empty namespace. All entries may have expired.
    const found = namespacesOfStore(fileSystem, dataDir);
    if (!found.includes(namespace)) throw unknownNamespace(dataDir, namespace, found);
  } catch (error) {
    throw withDamageAdvice(error, dataDir);
  }
}
