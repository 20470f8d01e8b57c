// `holdfast health` on the command line: turns flags into the address to ask. ask-readiness.ts asks.
import { Command, Option } from 'commander';
import { usageError } from './command-error.ts';
import { loadSettings } from './load-settings.ts';
import { addSettingFlags, typedFlags } from './setting-flags.ts';

const timeoutMsDefault = 2000;
const timeoutMsMax = 600_000;

const explanation = `
Takes the settings of serve from the same file, environment and flags. Asks GET /readyz, at loopback
if host is a wildcard such as 0.0.0.0. Needs no token, and does not verify the certificate.

Exit code 0: the server serves; 1: it does not, and one line says why; 2: wrong usage.`;

export function healthCommand(): Command {
  const command = new Command('health').description(
    'Ask the server that has these settings if it serves.',
  );
  addSettingFlags(command);
  // The help of serve explains them. Here they would hide the one flag that is new.
  for (const option of command.options) option.hideHelp();
  return command
    .addOption(
      new Option(
        '--timeout-ms <ms>',
        `longest time for the whole answer (allowed: an integer from 1 to ${timeoutMsMax}; ` +
          `default: ${timeoutMsDefault})`,
      ),
    )
    .addHelpText('after', explanation)
    .action(async ({ timeoutMs }: { readonly timeoutMs?: string }) => {
      const settings = loadSettings({ ...typedFlags(command), environment: process.env });
      if (settings.port === 0) {
        throw usageError('port is 0, which is any free port; allowed: the port of the server');
      }
      const { askReadiness, targetOf } = await import('./ask-readiness.ts');
      await askReadiness(targetOf(settings), parseTimeout(timeoutMs));
    });
}

function parseTimeout(typed: string | undefined): number {
  if (typed === undefined) return timeoutMsDefault;
  const timeoutMs = Number(typed);
  if (/^\d{1,6}$/.test(typed) && timeoutMs >= 1 && timeoutMs <= timeoutMsMax) return timeoutMs;
  throw usageError(`--timeout-ms is "${typed}"; allowed: an integer from 1 to ${timeoutMsMax}`);
}
