// `holdfast restore` on the command line: options and help. A whole backup goes into a folder
// (restore-folder.ts), one namespace of a backup into a running server (restore-namespace.ts).
import { resolve } from 'node:path';
import { Command } from 'commander';
import { usageError } from './command-error.ts';
import { namespaceOption } from './namespace-option.ts';
import { addServerOptions, credentialHelp, type TypedServerOptions } from './server-options.ts';
import { serverRequest } from './server-request.ts';
import { shardsOption } from './shards-option.ts';
import { neverBlockOnStandardError } from './standard-streams.ts';

const explanation = `
  holdfast restore monday.backup --data-dir ./data
  holdfast restore monday.backup --namespace app --url http://127.0.0.1:7411

The first form makes a folder that no server uses, with the same versions and deadlines. Users and
tokens come back, and the command lists the tokens. A server on the folder needs a token, also if the
server of the backup needed none, unless --open is there.

The second form writes one namespace into a running server, by the token of its admin. That namespace
must be missing or without entries, unless --replace deletes them first. Deadlines stay, versions do
not, and entries that have expired are left out. No other client should write to the namespace
meanwhile. If the command fails midway, it says how far it came. It can begin again with --replace.
${credentialHelp}

Exit code 0: done; 1: failed; 2: wrong usage; 3: the backup is not whole, the folder is not empty or in
use, or the namespace has entries.`;

interface Typed extends TypedServerOptions {
  readonly from?: string;
  readonly dataDir?: string;
  readonly shards?: number;
  readonly url?: string;
  readonly namespace?: string;
  readonly as?: string;
  readonly replace?: true;
  readonly open?: true;
  readonly revokeTokens?: true;
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Make a data folder from a backup, or write one namespace of it into a running server. A ' +
        'backup that is not whole leaves nothing.',
    )
    .argument('[file]', 'file that holdfast backup has written, or a pipe; -: standard input')
    .option('--from <file>', 'the same as the argument')
    .option('--data-dir <folder>', 'folder to make, absent or empty')
    .addOption(shardsOption('number of shards; if absent: the number of cores, from 2 to 16'))
    .option('--open', 'let callers without a token use the folder')
    .option('--revoke-tokens', 'leave out all tokens of the backup; users stay')
    .option('--url <url>', 'address of the running server, such as http://127.0.0.1:7411')
    .addOption(namespaceOption('namespace', 'namespace of the backup to write into the server'))
    .addOption(namespaceOption('as', 'its name in the server; if absent: the same'))
    .option('--replace', 'delete the entries that the namespace has in the server first');
  return addServerOptions(command)
    .addHelpText('after', explanation)
    .action(async (argument: string | undefined, typed: Typed) => {
      const path = pathOf(argument, typed);
      if (typed.url === undefined) await intoFolder(path, typed);
      else await intoServer(path, typed.url, typed);
    });
}

function pathOf(argument: string | undefined, { from }: Typed): string {
  const file = argument ?? from;
  if (file === undefined || (argument !== undefined && from !== undefined)) {
    throw usageError('restore reads one backup; allowed: a file as the argument or as --from');
  }
  return file === '-' ? file : resolve(file);
}

async function intoFolder(path: string, typed: Typed): Promise<void> {
  const { dataDir } = typed;
  if (dataDir === undefined) {
    throw usageError('restore has no target; allowed: --data-dir, or --url with --namespace');
  }
  refuse(typed, ['namespace', 'as', 'replace', 'header', 'token', 'tokenFile'], '--data-dir');
  const { restoreFolder } = await import('./restore-folder.ts');
  const { open: isOpen = false, revokeTokens: revokesTokens = false, shards } = typed;
  restoreFolder({ path, dataDir: resolve(dataDir), shards, isOpen, revokesTokens });
}

async function intoServer(path: string, url: string, typed: Typed): Promise<void> {
  refuse(typed, ['dataDir', 'shards', 'open', 'revokeTokens'], '--url');
  const { namespace, as = namespace, replace = false, header = [] } = typed;
  if (namespace === undefined || as === undefined) {
    throw usageError('a running server takes one namespace of a backup: --url needs --namespace');
  }
  const request = serverRequest({ ...typed, url, header }, process.env);
  neverBlockOnStandardError();
  const { restoreNamespace } = await import('./restore-namespace.ts');
  await restoreNamespace({ path, request, from: namespace, to: as, replace });
}

/** @throws CommandError if one of these options is there */
function refuse(typed: Typed, options: readonly (keyof Typed)[], beside: string): void {
  const found = options.find((option) => typed[option] !== undefined);
  if (found === undefined) return;
  const flag = found.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usageError(`--${flag} is not allowed beside ${beside}; see holdfast restore --help`);
}
