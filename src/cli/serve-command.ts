// `holdfast serve` on the command line: turns flags into settings. serve.ts serves.
import { Command } from 'commander';
import { loadSettings, unknownVariables } from './load-settings.ts';
import { addSettingFlags, typedFlags } from './setting-flags.ts';
import { neverBlockOnStreams } from './standard-streams.ts';
import { serverTokensOf } from './token-variables.ts';
import { tuneGarbageCollection } from './tune-garbage-collection.ts';

const precedence = `
A JSON file (--config) or the environment may also have each setting; in the file under its camelCase
name, such as dataDir. An empty variable counts as not set. A flag overrides the environment, which
overrides the file, which overrides the default. Sizes are bytes, or have a unit: KiB, MiB, GiB.`;

export function serveCommand(): Command {
  const command = new Command('serve').description('Serve a data folder over HTTP.');
  addSettingFlags(command).addHelpText('after', precedence);
  return command.action(async () => {
    const settings = loadSettings({ ...typedFlags(command), environment: process.env });
    const serverTokens = serverTokensOf(process.env);
    neverBlockOnStreams();
    tuneGarbageCollection();
    // Loaded only now: help and refusals need no server, and should come at once.
    const { serve } = await import('./serve.ts');
    await serve(settings, serverTokens, unknownVariables(process.env));
  });
}
