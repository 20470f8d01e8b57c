// Types the commands of a document in one shell, and compares the output.
//
// In a ```console block, a line that begins with `$ ` is typed, with the lines after it that begin
// with `> `. The lines below it must be printed, in that order. `…` within a line stands for any
// text, and a line of `…` alone for any lines. Node runs a ```js block as a program. In its lines
// `await EXPRESSION; // => VALUE` both sides must be equal. Other blocks are not typed: ```sh is
// for commands that install, serve or never end.
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programFolder } from '../../../src/base/program-folder.ts';
import { environmentWithoutSettings, programFile } from '../processes/server-process.ts';
import type { Block } from './document.ts';

/** One command, and the output that it must print. */
export interface Step {
  command: string;
  readonly expected: string[];
}

/** A step that did not print what the document says. */
export interface Mismatch {
  readonly command: string;
  /** The first expected line that is missing in the output at its place. */
  readonly missing: string;
  readonly printed: string;
}

function consoleSteps({ lines }: Block): Step[] {
  const steps: Step[] = [];
  for (const line of lines) {
    const step = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (step === undefined) throw new Error(`output before any command: ${line}`);
    else if (/^>(?: |$)/.test(line)) step.command += `\n${line.slice(2)}`;
    else step.expected.push(line);
  }
  return steps;
}

const valuePattern = /^await (.+); \/\/ => (.+)$/gm;

function programStep({ lines }: Block): Step {
  const checked = lines.join('\n').replaceAll(valuePattern, 'assert.deepEqual(await $1, $2);');
  const program = `import assert from 'node:assert/strict';\n${checked}`;
  // Node looks for packages from the folder of the file, so the file must be here.
  const command = `cat > program.mjs <<'END OF PROGRAM'\n${program}\nEND OF PROGRAM\nnode program.mjs && echo passed`;
  return { command, expected: ['passed'] };
}

/** The steps of all blocks to type, in order. */
export function stepsOf(blocks: readonly Block[]): Step[] {
  return blocks.flatMap((block) => {
    if (block.language === 'console') return consoleSteps(block);
    return block.language === 'js' ? [programStep(block)] : [];
  });
}

/** Links the packages of the project, and the project itself as the package `holdfast`. */
async function linkPackages(folder: string): Promise<void> {
  const packages = join(folder, 'node_modules');
  const installed = join(programFolder, 'node_modules');
  await mkdir(packages);
  for (const name of await readdir(installed)) {
    await symlink(join(installed, name), join(packages, name));
  }
  await symlink(programFolder, join(packages, 'holdfast'));
}

/** vitest looks for it beside the tests that a page shows. Its own limits are for idle machines. */
const limitsOfSlowMachines =
  'export default { test: { testTimeout: 120_000, hookTimeout: 120_000 } };\n';

/** Puts the command `holdfast` and the packages into the folder of a session. */
async function prepare(folder: string): Promise<string> {
  const programs = join(folder, 'bin');
  await mkdir(programs);
  const text = `#!/bin/sh\nexec '${process.execPath}' '${programFile}' "$@"\n`;
  await writeFile(join(programs, 'holdfast'), text, { mode: 0o755 });
  await writeFile(join(folder, 'vitest.config.mjs'), limitsOfSlowMachines);
  await linkPackages(folder);
  return programs;
}

/** It only ends a session that hangs: the pages of a loaded machine take minutes. */
const sessionLimitMs = 220_000;

const endOfStep = '--- end of step ---';

/** Runs all commands in one shell, so that variables and files stay for the next step. */
async function runSteps(commands: readonly string[], folder: string): Promise<string[]> {
  const script = commands.map((command) => `${command}\necho; echo '${endOfStep}'\n`).join('');
  const { PATH = '', ...environment } = environmentWithoutSettings();
  const env = { ...environment, PATH: `${await prepare(folder)}:${PATH}` };
  const options = { cwd: folder, env, timeout: sessionLimitMs, maxBuffer: 2 ** 24 };
  const { stdout } = await promisify(execFile)('bash', ['-c', `exec 2>&1\n${script}`], options);
  return stdout.split(`${endOfStep}\n`).slice(0, commands.length);
}

function patternOf(expectedLine: string): RegExp {
  const escaped = expectedLine.trimEnd().replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}$`);
}

/** @returns the first expected line that is missing at its place; undefined if none is */
function firstMissing(expected: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  let mayBeAnywhere = false;
  for (const line of expected) {
    if (line.trim() === '…') {
      mayBeAnywhere = true;
      continue;
    }
    const pattern = patternOf(line);
    const found = printed.findIndex((one, index) => index >= at && pattern.test(one.trimEnd()));
    if (found === -1 || (!mayBeAnywhere && found !== at)) return line;
    at = found + 1;
    mayBeAnywhere = false;
  }
  return undefined;
}

interface SessionOptions {
  /** An empty folder, or one that has only the server's data folder. */
  readonly folder: string;
  /** The address in the document, and the address of the real server. */
  readonly documented: string;
  readonly actual: string;
}

export async function mismatchesOf(
  steps: readonly Step[],
  { folder, documented, actual }: SessionOptions,
): Promise<Mismatch[]> {
  const commands = steps.map(({ command }) => command.replaceAll(documented, actual));
  const outputs = await runSteps(commands, folder);
  return steps.flatMap(({ command, expected }, index) => {
    const printed = (outputs[index] ?? '').replaceAll(actual, documented);
    const missing = firstMissing(expected, printed.split('\n'));
    return missing === undefined ? [] : [{ command, missing, printed }];
  });
}
