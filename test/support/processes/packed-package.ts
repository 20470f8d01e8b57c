// Installs the package as its users get it: packed by npm, without development dependencies, into a
// folder that has nothing else. Knows no program of the package.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programFolder } from '../../../src/base/program-folder.ts';
import { environmentWithoutSettings } from './server-process.ts';

/** The registry may be slow. */
const npmDeadlineMs = 120_000;

/** Scripts do not run: they would build again, and other tests use dist/ meanwhile. */
const withoutScripts = '--ignore-scripts';

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = environmentWithoutSettings();
  const options = { cwd, env, timeout: npmDeadlineMs };
  const { stdout } = await promisify(execFile)('npm', [...args, '--loglevel', 'error'], options);
  return stdout;
}

/**
 * @param folder an empty one, which the test removes
 * @returns the folder in it that has the package installed
 */
export async function installPacked(folder: string): Promise<string> {
  const pack = ['pack', withoutScripts, '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(await npm(pack, programFolder)) as { readonly filename: string }[];
  if (packed === undefined) throw new Error('npm has packed nothing');
  const app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  const tarball = join(folder, packed.filename);
  await npm(['install', '--omit=dev', withoutScripts, ...quiet, tarball], app);
  return app;
}
