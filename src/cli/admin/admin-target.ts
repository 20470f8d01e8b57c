// The options by which commands of administration name a server or a folder, and the way to either.
// Knows no command.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { usageError } from '../command-error.ts';
import { defaultSettings, settingOfEnvironment } from '../load-settings.ts';
import { addServerOptions, credentialHelp, type TypedServerOptions } from '../server-options.ts';
import { serverRequest } from '../server-request.ts';
import { serverTokensOf } from '../token-variables.ts';
import type { AdminClient } from './admin-client.ts';

interface TypedTarget extends TypedServerOptions {
  readonly url?: string;
  readonly dataDir?: string;
}

function defaultUrl(): string {
  const { host, port } = defaultSettings();
  return `http://${host}:${port}`;
}

/** Help of a group of commands that have these options. */
export const targetHelp = `
The options stand before or behind the command of the group. The command asks a running server, or works
on a folder that no server uses. There, HOLDFAST_TOKEN and HOLDFAST_NAMESPACES_MAX count as if a server
were started with them. No settings file is read.
${credentialHelp}

Exit code 0: done; 1: failed or refused; 2: wrong usage; 3: a server uses the folder, or it is
damaged, or another version of the program wrote it.`;

/** Adds them to a group of commands: commander takes them behind each of its commands, too. */
export function addTargetOptions(group: Command): Command {
  group.option('--url <url>', `address of the server (default: ${defaultUrl()})`);
  return addServerOptions(group).option('--data-dir <folder>', 'work on this folder instead');
}

const serverOptions = ['url', 'header', 'token', 'tokenFile'] as const;

/** For a command of the group that works on nothing that these options name. */
export function refuseTarget(command: Command): void {
  const typed = command.optsWithGlobals<TypedTarget>();
  const given = (['dataDir', ...serverOptions] as const).some((one) => typed[one] !== undefined);
  if (!given) return;
  const name = command.name();
  throw usageError(`${name} takes no --url, --header, --token, --token-file or --data-dir`);
}

/**
 * Does the work on the server or the folder that the options name.
 *
 * @throws CommandError; StoreError of the folder
 */
export async function withAdmin<T>(
  command: Command,
  work: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const typed = command.optsWithGlobals<TypedTarget>();
  if (typed.dataDir !== undefined) {
    if (serverOptions.some((option) => typed[option] !== undefined)) {
      throw usageError(
        '--data-dir works on a folder without a server; allowed: it alone, or --url, --header, ' +
          '--token and --token-file',
      );
    }
    const serving = {
      serverTokens: serverTokensOf(process.env),
      namespacesMax: settingOfEnvironment('namespacesMax', process.env),
    };
    const { withFolderAdmin } = await import('./folder-admin.ts');
    return await withFolderAdmin(resolve(typed.dataDir), serving, work);
  }
  const { url = defaultUrl(), header = [] } = typed;
  const request = serverRequest({ ...typed, url, header }, process.env);
  const { ServerAdmin } = await import('./server-admin.ts');
  return await work(new ServerAdmin(request));
}
