// `holdfast repair` on the command line: options and help. src/tools/repair-store.ts salvages.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { foreignEntry } from '../storage/foreign-entries.ts';
import { unfinishedMaking } from '../storage/manifest.ts';
import { isFolder, nodeFileSystem } from '../storage/node-file-system.ts';
import type { Finding } from '../tools/finding.ts';
import type { RepairSummary } from '../tools/repair-store.ts';
import { nameOfRule } from '../access/access-records.ts';
import { CommandError, exitCodes, usageError } from './command-error.ts';
import { inNewFolder } from './new-folder.ts';
import { withOfflineFolder, type OfflineFolder } from './offline-folder.ts';
import { restoredAccessText } from './restored-access-text.ts';
import { RestoredAccess, type RestoredAccessOptions } from './restored-access.ts';
import { standardOutput } from './standard-output.ts';
import { standardError } from './standard-streams.ts';

const explanation = `
Reads a store that no server uses, however damaged, and never changes it. Writes every entry that can
still be proved into a new store with the same number of shards, and reads that back. Entries keep
their versions; new ones begin 2^40 higher, and the new store has an id of its own.

It writes its findings to standard output, one JSON object a line. The member "finding" is one of these:

  damage        a place in a file that is not valid; that alone is no loss
  torn-tail     bytes that a crash left behind the last synced write; the copy lacks them, as after a start
  unused        a file that is not part of the store
  lost-changes  changes that no file holds any more: their shard, first and last seq, and number
  lost-entries  entries that no file holds any more: those between two keys of a snapshot
  unproved-end  it cannot be known whether newer files or changes are missing
  transaction   a transaction over several shards without a recorded outcome, though lost lines may have
                held one: "kept":"all" if all participants have prepared it, else "nothing", so that no
                half of it is kept
  key           a key whose newest change may be lost: the copy has its last provable value
                ("kept":"value", its version) or nothing ("named":true: the damaged bytes, or a
                transaction in doubt, name it)

A server on the new store needs a token, also if the damaged store needed none, unless --open is there:
the records of users and tokens may be among what is lost. A token that was revoked lately may be back,
and so may a user that was disabled or deleted: also if no loss is found, because nothing proves the very
last writes before a crash. The command lists the tokens, and --revoke-tokens leaves them out.

Exit code 0: no loss is found; 1: something is lost, or may be, or there is no store to be read;
2: wrong usage; 3: a server uses the folder, or another version of the program wrote it.`;

interface Typed {
  readonly to: string;
  readonly open?: boolean;
  readonly revokeTokens?: boolean;
}

export function repairCommand(): Command {
  return new Command('repair')
    .description('Save all that can be proved of a damaged data folder into a new one.')
    .argument('<dir>', 'the data folder')
    .requiredOption('--to <newdir>', 'the new data folder, absent or empty; required')
    .option('--open', 'let callers without a token use the new store')
    .option('--revoke-tokens', 'leave out all tokens; users stay')
    .addHelpText('after', explanation)
    .action(async (dir: string, { to, open: isOpen = false, revokeTokens = false }: Typed) => {
      const access = { isOpen, revokesTokens: revokeTokens };
      await withOfflineFolder(dir, (folder) => repair(folder, to, access));
    });
}

async function repair(
  { dataDir, fileSystem, progress }: OfflineFolder,
  to: string,
  options: RestoredAccessOptions,
): Promise<void> {
  const newDir = resolve(to);
  refuseTarget(dataDir, newDir);
  const { repairStore } = await import('../tools/repair-store.ts');
  const access = new RestoredAccess(options);
  const summary = inNewFolder(newDir, () =>
    repairStore({
      fileSystem,
      dataDir,
      newDir,
      now: systemClock.wallMs(),
      inShardOf: { key: nameOfRule.key, transform: access.transform },
      report: (finding: Finding) => standardOutput.print(`${JSON.stringify(finding)}\n`),
      onWork: (work, bytes) => progress.begin(work, bytes),
    }),
  );
  await standardOutput.finish();
  tell(summary, newDir, access);
}

/** The new folder must not be the damaged data folder, nor be in it. */
function refuseTarget(dataDir: string, newDir: string): void {
  const path = relative(realpathSync(dataDir), realPathOf(newDir));
  if (path !== '..' && !path.startsWith('../'))
    throw usageError(`--to ${newDir} is in the data folder itself`);
  const isNewFolder = isFolder(newDir);
  if (isNewFolder === undefined) return;
  if (!isNewFolder) throw usageError(`--to ${newDir} is not a folder; allowed: a new or empty one`);
  // An earlier repair was ended before its end. Its messages say to run it again.
  if (unfinishedMaking(nodeFileSystem, newDir) !== undefined) return;
  const found = foreignEntry(nodeFileSystem.list(newDir));
  if (found === undefined) return;
  throw usageError(`--to ${newDir} is not empty (there is ${found}); allowed: a new or empty one`);
}

/** The real path of a folder that need not exist yet. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return join(realPathOf(parent), relative(parent, path));
}

function tell(
  { shards, entries, losses }: RepairSummary,
  newDir: string,
  access: RestoredAccess,
): void {
  standardError.write(restoredAccessText(newDir, access));
  const size = `${entries - access.added} entries in ${shards} shards`;
  const made = `${newDir} holds ${size}, written and read back`;
  if (losses > 0) {
    const told = `${losses} ${losses === 1 ? 'finding' : 'findings'} on standard output`;
    throw new CommandError(exitCodes.failed, `${made}; something is lost, or may be: ${told}`);
  }
  standardError.write(`holdfast: ${made}; no loss is found\n`);
}
