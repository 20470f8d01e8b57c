// `holdfast access` on the command line: whether a store needs tokens, and the way back to one that
// needs none.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { visibleName } from '../../base/visible-text.ts';
import { noServerTokens } from '../../settings/server-tokens.ts';
import { defaultSettings } from '../load-settings.ts';
import { tokenVariable } from '../setting-spelling.ts';
import type { AccessStatus } from './admin-client.ts';
import { addTargetOptions, refuseTarget, targetHelp, withAdmin } from './admin-target.ts';
import { grantsText } from './grant-option.ts';
import { addJsonOption, printResult } from './print.ts';

export function accessCommand(): Command {
  const group = new Command('access').description(
    'Say if a server or a folder needs tokens, and open a folder that needs them.',
  );
  addJsonOption(addTargetOptions(group)).addHelpText('after', targetHelp);
  return group.addCommand(statusCommand()).addCommand(openCommand());
}

function statusCommand(): Command {
  return new Command('status')
    .description('Print if access needs a token, and who the caller is.')
    .action(async (_options: object, command: Command) => {
      const status = await withAdmin(command, (admin) => admin.status());
      printResult(command, { json: status, text: statusText(status) });
    });
}

const waysToAdmin = `start the server with ${tokenVariable}, or add a token with *:admin`;

function statusText({ tokenRequired, caller, users, tokens, hasAdmin }: AccessStatus): string {
  const isOpen = `is open: no token is needed; to close it, ${waysToAdmin}`;
  const lines = [`access  ${tokenRequired ? 'needs a token' : isOpen}`];
  if (users !== undefined) lines.push(`users   ${users}`);
  if (tokens !== undefined) lines.push(`tokens  ${tokens}`);
  if (hasAdmin !== undefined) {
    const noAdmin = tokenRequired ? `none; ${waysToAdmin}` : 'none';
    lines.push(`admin   ${hasAdmin ? 'a valid token administers the server' : noAdmin}`);
  }
  if (users === undefined) {
    const { user, token, grants } = caller ?? {};
    const by = token === undefined ? '' : `, by the token ${visibleName(token)}`;
    const unknown = tokenRequired ? 'unknown: the command sent no valid token' : 'without a token';
    lines.push(`caller  ${typeof user === 'string' ? `${user}${by}` : unknown}`);
    if (grants !== undefined) lines.push(`grants  ${grantsText(grants)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

const explanationOfOpen = `
From then on, callers without a token may do everything, and a server listens on loopback alone. Users
and tokens stay. They count again once another token is made. A server that is started with
${tokenVariable} needs a token all the same.`;

function openCommand(): Command {
  return new Command('open')
    .description('Let callers without a token use a folder again. No server may use it meanwhile.')
    .argument('<dir>', 'the data folder')
    .addHelpText('after', explanationOfOpen)
    .action(async (dir: string, _options: object, command: Command) => {
      refuseTarget(command);
      const dataDir = resolve(dir);
      const { withFolderAdmin } = await import('./folder-admin.ts');
      const { namespacesMax } = defaultSettings();
      const serving = { serverTokens: noServerTokens, namespacesMax };
      const status = await withFolderAdmin(dataDir, serving, async (admin) => {
        await admin.requireNoToken();
        return await admin.status();
      });
      const kept = status.tokens === 0 ? '' : `; its ${status.tokens} tokens are kept`;
      printResult(command, {
        json: status,
        text: `${dataDir} is open now: a server on it needs no token${kept}\n`,
      });
    });
}
