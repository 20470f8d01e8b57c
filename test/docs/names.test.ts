// Every name in the manual exists in the program. Every name that a user may need is in the manual:
// scripts, settings, flags, exit codes, signals, error codes, metrics.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { errorSentences, type ErrorCode } from '../../src/base/errors.ts';
import { programFolder } from '../../src/base/program-folder.ts';
import { exitCodes } from '../../src/cli/command-error.ts';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { programVersion } from '../../src/base/program-version.ts';
import { environmentNameOf, flagOf } from '../../src/cli/setting-spelling.ts';
import { tokenVariables } from '../../src/cli/token-variables.ts';
import { spellValue } from '../../src/settings/setting-value.ts';
import { settingNames } from '../../src/settings/settings-schema.ts';
import { startBlock } from '../../src/cli/start-block.ts';
import { commandTable } from '../../src/commands/command-table.ts';
import { statusOfError } from '../../src/http/wire/status-of-error.ts';
import { plantedBugs } from '../simulation/planted-bugs.ts';
import { readDocument, readManual } from '../support/documents/document.ts';
import { openApp } from '../support/http/open-app.ts';

const documents = [...readManual(), readDocument('CONTRIBUTING.md')];
const text = documents.map((one) => one.text).join('\n');
const textOf = (path: string): string => readDocument(path).text;

const namesIn = (pattern: RegExp) => [...new Set(text.match(pattern))];

/** The cells of every row of every table, without backticks. */
function rowsOf(page: string): string[][] {
  return textOf(page)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/[ `]*\|[ `]*/).slice(1, -1));
}

test('npm scripts exist', () => {
  const packageText = readFileSync(join(programFolder, 'package.json'), 'utf8');
  const { scripts } = JSON.parse(packageText) as { scripts: Record<string, string> };
  const named = namesIn(/(?<=npm run )[\w:-]+/g);
  expect(named).toContain('bench');
  for (const name of named) expect(scripts).toHaveProperty([name]);
});

describe('settings', () => {
  const defaults = defaultSettings();
  const rows = rowsOf('docs/configuration.md');

  test.each(settingNames)('%s is in the table, in three spellings, with its default', (name) => {
    const value = spellValue(name, defaults[name]);
    expect(rows).toContainEqual([name, environmentNameOf(name), flagOf(name), value]);
  });

  test.each(settingNames)('%s is explained below the table', (name) => {
    expect(textOf('docs/configuration.md')).toContain(`- **\`${name}\`**: `);
  });

  test('in environment variables exist', () => {
    const known = [...settingNames.map(environmentNameOf), ...tokenVariables];
    expect(known).toEqual(expect.arrayContaining(namesIn(/\bHOLDFAST_[A-Z_]+\b/g)));
  });
});

const { commands } = buildProgram();

/** The long flags of a command, and those of the commands of its group. */
function flagsOf(command: Command): string[] {
  const own = command.options.map(({ long }) => long ?? '');
  return [...own, ...command.commands.flatMap(flagsOf)];
}
const flagsOfBackups = commands
  .filter((command) => ['backup', 'restore'].includes(command.name()))
  .flatMap((command) => command.options.map(({ long }) => [long ?? '', command.name()] as const));

describe('commands', () => {
  const lines = text.split('\n');

  test.each(commands.map((command) => [command.name(), command] as const))(
    'the flags that the manual types behind %s exist',
    (name, command) => {
      const starts =
        name === 'serve' ? 'npm start --|main.js serve|holdfast serve' : `holdfast ${name}`;
      const part = new RegExp(`(?:${starts})\\b[^|#)&\`]*`, 'g');
      const typed = lines.flatMap((line) => line.match(part) ?? []);
      const flags = typed.flatMap((one) => one.match(/--[a-z][a-z-]*/g) ?? []);
      const known = ['--help', ...flagsOf(command)];
      expect(known).toEqual(expect.arrayContaining(flags));
    },
  );

  test.each(commands.map((command) => command.name()).filter((name) => name !== 'serve'))(
    '%s has a section in the page of tools',
    (name) => expect(readDocument('docs/tools.md').anchors).toContain(name),
  );

  test.each(flagsOfBackups)('the page of tools names %s of %s', (flag) =>
    expect(textOf('docs/tools.md')).toContain(flag),
  );
});

test('the page of clients lists every command of Redis, and no other', () => {
  const names = textOf('docs/clients.md').match(/^\|.*\| *(?:`[A-Z_]+` *)+\|$/gm) ?? [];
  const listed = names.join().match(/(?<=`)[A-Z_]+(?=`)/g) ?? [];
  const known = [...commandTable.keys()].map((name) => name.toUpperCase());
  expect(listed.toSorted()).toEqual(known.toSorted());
});

test('the page of operations shows the lines that the server prints at its start', () => {
  const settings = { ...defaultSettings(), dataDir: '/home/you/holdfast/data' };
  const { port } = settings;
  const url = `http://127.0.0.1:${port}`;
  const facts = { version: programVersion, url, port, neededToken: false, settings };
  const lines = startBlock(facts);
  expect(textOf('docs/operations.md')).toContain(`\`\`\`\n${lines}\`\`\``);
});

test('the table of exit codes has them all, and no other', () => {
  const stopSignals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
  const codes = [
    ...Object.values(exitCodes),
    ...stopSignals.map((name) => 128 + constants.signals[name]),
  ];
  const listed = rowsOf('docs/operations.md').flatMap(([cell = '']) =>
    /^\d+$/.test(cell) ? [Number(cell)] : [],
  );
  expect(listed).toEqual(codes);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGKILL'])('%s is explained', (signal) => {
  expect(textOf('docs/operations.md')).toContain(signal);
});

test('the table of errors has every code with its status, and no other', () => {
  const rows = rowsOf('docs/rest.md').filter(([cell = '']) => /^[45]\d\d$/.test(cell));
  const listed = rows.flatMap(([status, cell = '']) =>
    cell.split(/[`, ]+/).map((code) => [code, Number(status)] as const),
  );
  const codes = Object.keys(errorSentences) as ErrorCode[];
  const expected = codes.map((code) => [code, statusOfError[code]] as const);
  expect(new Map(listed)).toEqual(new Map(expected));
});

test('the page of tools explains every finding of a repair', () => {
  const source = readFileSync(join(programFolder, 'src/tools/finding.ts'), 'utf8');
  const kinds = source.match(/(?<=readonly finding: ')[\w-]+/g) ?? [];
  expect(kinds).toContain('lost-changes');
  for (const kind of kinds) expect(textOf('docs/tools.md')).toContain(`- \`${kind}\`: `);
});

test('the tables of metrics have them all, and no other', async () => {
  const { url } = await openApp();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const served = [...metrics.matchAll(/^# TYPE (holdfast_\w+)/gm)].map(([, name = '']) => name);
  const cells = rowsOf('docs/operations.md').map(([cell = '']) => cell);
  const listed = cells.flatMap((cell) => cell.match(/^holdfast_\w+/) ?? []);
  expect(listed.toSorted()).toEqual(served.toSorted());
});

test('RELIABILITY.md counts the planted bugs', () => {
  const count = `There are ${plantedBugs.length}, in \`test/simulation/planted-bugs.ts\`.`;
  expect(textOf('RELIABILITY.md').replaceAll('\n', ' ')).toContain(count);
});

test('metrics that other pages name exist', () => {
  const listed = textOf('docs/operations.md');
  for (const name of namesIn(/(?<=`)holdfast_\w+/g)) expect(listed).toContain(name);
});
