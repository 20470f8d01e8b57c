// Types what a document tells people to type, in one shell, and compares what is printed.
//
// In a ```console block, a line that begins with `$ ` is typed (it goes on in lines that begin with
// `> `). The lines below it are what must be printed, in that order. In them `…` is anything within
// a line, and a line of `…` alone is any lines. A ```js block is a program that node runs; in a line
// `await EXPRESSION; // => VALUE` the two must be equal. Other blocks are read, not typed: ```sh is
// for commands that install, serve or never end.
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programFolder } from '../../../src/base/program-folder.ts';
import { environmentWithoutSettings, programFile } from '../processes/server-process.ts';
import type { Block } from './document.ts';

/** One command and what it must print. */
export interface Step {
  command: string;
  readonly expected: string[];
}

/** A step that did not print what the document says. */
export interface Mismatch {
  readonly command: string;
  /** The first expected line that was not printed where it should be. */
  readonly missing: string;
  readonly printed: string;
}

function consoleSteps({ lines }: Block): Step[] {
  const steps: Step[] = [];
  for (const line of lines) {
    const step = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (step === undefined) throw new Error(`output before any command: ${line}`);
    else if (line.startsWith('> ')) step.command += `\n${line.slice(2)}`;
    else step.expected.push(line);
  }
  return steps;
}

const valuePattern = /^await (.+); \/\/ => (.+)$/gm;

function programStep({ lines }: Block): Step {
  const checked = lines.join('\n').replaceAll(valuePattern, 'assert.deepEqual(await $1, $2);');
  const program = `import assert from 'node:assert/strict';\n${checked}`;
  // The file stays in the folder, where node finds the packages.
  const command = `cat > program.mjs <<'END OF PROGRAM'\n${program}\nEND OF PROGRAM\nnode program.mjs && echo passed`;
  return { command, expected: ['passed'] };
}

/** The steps of all blocks that are typed, in order. */
export function stepsOf(blocks: readonly Block[]): Step[] {
  return blocks.flatMap((block) => {
    if (block.language === 'console') return consoleSteps(block);
    return block.language === 'js' ? [programStep(block)] : [];
  });
}

/** Puts the command `holdfast`, and the packages of the project, into the folder of a session. */
async function prepare(folder: string): Promise<string> {
  const programs = join(folder, 'bin');
  await mkdir(programs);
  const text = `#!/bin/sh\nexec '${process.execPath}' '${programFile}' "$@"\n`;
  await writeFile(join(programs, 'holdfast'), text, { mode: 0o755 });
  await symlink(join(programFolder, 'node_modules'), join(folder, 'node_modules'));
  return programs;
}

const endOfStep = '--- end of step ---';

/** Runs all commands in one shell, so that variables and files live on from step to step. */
async function runSteps(commands: readonly string[], folder: string): Promise<string[]> {
  const script = commands.map((command) => `${command}\necho; echo '${endOfStep}'\n`).join('');
  const { PATH = '', ...environment } = environmentWithoutSettings();
  const env = { ...environment, PATH: `${await prepare(folder)}:${PATH}` };
  const options = { cwd: folder, env, timeout: 60_000, maxBuffer: 2 ** 24 };
  const { stdout } = await promisify(execFile)('bash', ['-c', `exec 2>&1\n${script}`], options);
  return stdout.split(`${endOfStep}\n`).slice(0, commands.length);
}

function patternOf(expectedLine: string): RegExp {
  const escaped = expectedLine.trimEnd().replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}$`);
}

/** The first expected line that was not printed where it should be, or undefined. */
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
  /** An empty folder, or one with the server's data folder alone. */
  readonly folder: string;
  /** The address in the document, and that of the server that is asked instead. */
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
