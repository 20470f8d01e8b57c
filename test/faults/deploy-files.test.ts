// The files of deploy/ as their own programs judge them.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

const deployed = (name: string): string => join(programFolder, 'deploy', name);

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

function run(command: string, ...args: readonly string[]) {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  return { status, output: `${stdout}${stderr}` };
}

test('systemd finds no fault in the unit, and the unit exposes little', async (context) => {
  skipWithout(context, 'systemd-analyze');
  // The program that the unit starts is not installed here.
  const text = await readFile(deployed('holdfast.service'), 'utf8');
  const unit = join(folder, 'holdfast.service');
  await writeFile(unit, text.replace('/usr/local/bin/holdfast', process.execPath));
  expect(run('systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', unit)).toEqual({
    status: 0,
    output: '',
  });
  // The exposure has a scale from 0 (least) to 10; the program takes the bound in tenths.
  const judge = (bound: number) =>
    run('systemd-analyze', 'security', '--offline=yes', `--threshold=${bound}`, unit).status;
  expect([judge(20), judge(1)]).toEqual([0, 1]);
});

test('Caddy takes the Caddyfile, and would not lay it out in another way', async (context) => {
  skipWithout(context, 'caddy');
  const args = ['--config', deployed('Caddyfile'), '--adapter', 'caddyfile'];
  expect(run('caddy', 'validate', ...args)).toMatchObject({
    status: 0,
    output: expect.stringContaining('Valid configuration') as string,
  });
  const asIs = await readFile(deployed('Caddyfile'), 'utf8');
  expect(run('caddy', 'fmt', deployed('Caddyfile'))).toEqual({ status: 0, output: asIs });
});

test('shellcheck finds nothing in the script of backups', (context) => {
  skipWithout(context, 'shellcheck');
  const judged = run('shellcheck', '--severity=style', deployed('backup-to-s3.sh'));
  expect(judged).toEqual({ status: 0, output: '' });
});
