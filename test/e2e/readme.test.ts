// Types what README.md tells people to type.
//
// Convention: in a ```console block, a line that begins with `$ ` is typed (it goes on in lines that
// begin with `> `), and the lines below it are what must be printed, in that order. In them `…`
// stands for anything within a line, and a line of `…` alone for any lines. Other blocks are read,
// not typed: ```sh for commands that install, serve or never end. All ```console blocks together
// are one session in one shell, in a folder of its own, against one server with an empty data
// folder; the port of the README is replaced by the server's own.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { environmentNameOf, flagOf, tokenVariable } from '../../src/cli/setting-spelling.ts';
import { spellValue } from '../../src/cli/setting-value.ts';
import { settingNames } from '../../src/cli/settings-schema.ts';
import { copyProject } from '../support/processes/project-copy.ts';
import {
  makeTemporaryFolder,
  ProgramProcess,
  removeFolder,
  startServer,
  urlOf,
} from '../support/processes/server-process.ts';

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

/** One command and what it must print. */
interface Step {
  command: string;
  readonly expected: string[];
}

const readme = readFileSync(join(programFolder, 'README.md'), 'utf8');

const blocks: readonly Block[] = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
  ([, language = '', body = '']) => ({ language, lines: body.trimEnd().split('\n') }),
);

function stepsOf(block: Block): Step[] {
  const steps: Step[] = [];
  for (const line of block.lines) {
    const step = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (step === undefined) throw new Error(`output before any command: ${line}`);
    else if (line.startsWith('> ')) step.command += `\n${line.slice(2)}`;
    else step.expected.push(line);
  }
  return steps;
}

const tour = blocks.filter(({ language }) => language === 'console').flatMap(stepsOf);

const endOfStep = '--- end of step ---';

/** Runs all commands in one shell, so that variables and files live on from step to step. */
function runTour(commands: readonly string[], folder: string): string[] {
  const script = commands.map((command) => `${command}\necho; echo '${endOfStep}'\n`).join('');
  const { stdout, error } = spawnSync('bash', ['-c', `exec 2>&1\n${script}`], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  return stdout.split(`${endOfStep}\n`).slice(0, commands.length);
}

function patternOf(expectedLine: string): RegExp {
  const escaped = expectedLine.trimEnd().replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}$`);
}

/** The first expected line that was not printed where it should be, or undefined. */
function firstMissing(expected: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  let mayStandAnywhere = false;
  for (const line of expected) {
    if (line.trim() === '…') {
      mayStandAnywhere = true;
      continue;
    }
    const pattern = patternOf(line);
    const found = printed.findIndex((one, index) => index >= at && pattern.test(one.trimEnd()));
    if (found === -1 || (!mayStandAnywhere && found !== at)) return line;
    at = found + 1;
    mayStandAnywhere = false;
  }
  return undefined;
}

const namesIn = (pattern: RegExp) => [...new Set(readme.match(pattern))];

let folder: string;
let program: ProgramProcess | undefined;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(async () => {
  await program?.end();
  program = undefined;
  await removeFolder(folder);
});

describe('the two commands', () => {
  test('are the first thing in the README', () => {
    const [first] = blocks;
    expect(first?.lines.join('\n')).toMatch(/npm ci && npm start\b[^]*npm ci && npm test\b/);
  });

  test('npm start builds and serves as the README says', async () => {
    const project = await copyProject();
    try {
      const args = ['start', '--', '--port', '0', '--data-dir', folder];
      program = new ProgramProcess('npm', args, { cwd: project, detached: true });
      const reply = await fetch(`${await urlOf(program)}/readyz`);
      expect(reply.status).toBe(200);
    } finally {
      await program?.end();
      await removeFolder(project);
    }
  });
});

describe('the tour', () => {
  test('is there, and prints what it says', async () => {
    expect(tour.length).toBeGreaterThan(0);
    const server = await startServer(join(folder, 'data'));
    program = server.program;
    const { port } = defaultSettings();
    const commands = tour.map(({ command }) =>
      command.replaceAll(`http://127.0.0.1:${port}`, server.url),
    );
    const outputs = runTour(commands, folder);
    for (const [index, { command, expected }] of tour.entries()) {
      const output = (outputs[index] ?? '').replaceAll(server.url, `http://127.0.0.1:${port}`);
      const missing = firstMissing(expected, output.split('\n'));
      expect({ command, missing, output }).toEqual({ command, missing: undefined, output });
    }
  });
});

describe('every name in the README exists', () => {
  test('npm scripts', () => {
    const schema = Type.Object({ scripts: Type.Record(Type.String(), Type.String()) });
    const text = readFileSync(join(programFolder, 'package.json'), 'utf8');
    const { scripts } = Value.Parse(schema, JSON.parse(text));
    for (const name of namesIn(/(?<=npm run )[\w:-]+/g)) expect(scripts).toHaveProperty([name]);
  });

  test('environment variables', () => {
    const known = [...settingNames.map(environmentNameOf), tokenVariable];
    expect(known).toEqual(expect.arrayContaining(namesIn(/\bHOLDFAST_[A-Z_]+\b/g)));
  });

  test('flags of commands that start the server', () => {
    const known = ['--help', '--version', '--config', ...settingNames.map(flagOf)];
    const starting = readme.split('\n').filter((line) => /npm start --|holdfast serve/.test(line));
    const typed = starting.flatMap((line) => line.match(/--[a-z][a-z-]*/g) ?? []);
    expect(known).toEqual(expect.arrayContaining(typed));
  });

  test('files that are linked to', () => {
    const linked = namesIn(/(?<=\]\()[\w./-]+(?=\))/g);
    expect(linked.filter((path) => !existsSync(join(programFolder, path)))).toEqual([]);
  });
});

test('the table of settings has them all, in three spellings and with their defaults', () => {
  const defaults = defaultSettings();
  const rows = readme.split('\n').map((line) => line.split(/[ `]*\|[ `]*/).slice(1, 5));
  for (const name of settingNames) {
    const value = spellValue(name, defaults[name]);
    expect(rows).toContainEqual([name, environmentNameOf(name), flagOf(name), value]);
  }
});
