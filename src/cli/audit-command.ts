// `holdfast audit` on the command line: options, help and the table. src/audit/read-audit.ts reads.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { StoredAuditRecord } from '../audit/audit-record.ts';
import type { AuditFilter, FoundRecord } from '../audit/read-audit.ts';
import { systemClock } from '../base/clock.ts';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import { visibleName } from '../base/visible-text.ts';
import { CommandError, exitCodes, usageError } from './command-error.ts';
import { namespaceOption } from './namespace-option.ts';
import { standardError } from './standard-streams.ts';
import { standardOutput } from './standard-output.ts';
import { TextTable } from './text-table.ts';
import { timeOfTyped } from './typed-time.ts';

const sinceForms = '30d, 12h or 90m ago, 2030-01-31T00:00:00Z, or Unix milliseconds';

const explanation = `
Reads the files in <dir>/audit, oldest first, and changes nothing. It needs no lock, so it reads beside a
running server, whose last records come up to 100 ms later. docs/audit.md explains the columns.

--since takes ${sinceForms}.

A line that a killed process has cut short is left out, and told of on standard error.

Exit code 0: done, whether or not a record was found; 1: there is no audit log, or it cannot be read;
2: wrong usage.`;

interface Options {
  readonly user?: string;
  readonly key?: string;
  readonly namespace?: string;
  readonly since?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  return new Command('audit')
    .description('Print the audit log of a data folder: who has done what.')
    .argument('<dir>', 'the data folder')
    .option('--user <name>', 'print the records of this user alone')
    .option('--key <key>', 'print the records about this key alone')
    .addOption(namespaceOption('namespace', 'print the records about this namespace alone'))
    .option('--since <time>', 'print the records from this time on')
    .option('--json', 'print the records as they stand in the files, a line each')
    .addHelpText('after', explanation)
    .action(async (dir: string, { since, json = false, ...wanted }: Options) => {
      const sinceMs = since === undefined ? undefined : parseSince(since, systemClock.wallMs());
      await printAudit(resolve(dir), { ...wanted, sinceMs }, json);
    });
}

/** @throws CommandError */
export function parseSince(typed: string, nowMs: number): number {
  const time = timeOfTyped(typed, nowMs, -1);
  if (time !== undefined && Number.isSafeInteger(time)) return time;
  throw usageError(`--since is ${JSON.stringify(typed)}; allowed: ${sinceForms}`);
}

async function printAudit(dataDir: string, filter: AuditFilter, asJson: boolean): Promise<void> {
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('STORE_INACCESSIBLE', `${dataDir}: there is no such folder`);
  }
  let broken = 0;
  try {
    const { readAudit } = await import('../audit/read-audit.ts');
    const found = await readAudit(dataDir, filter, () => (broken += 1));
    if (found === undefined) throw noAudit(dataDir);
    await (asJson ? printLines(found) : printTable(found));
  } catch (error) {
    if (error instanceof CommandError || systemErrorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('STORE_INACCESSIBLE', why, {}, error);
  }
  if (broken === 0) return;
  const lines = broken === 1 ? '1 line is no record' : `${broken} lines are no records`;
  standardError.write(`holdfast: note: ${lines} (a process was killed), and left out\n`);
}

function noAudit(dataDir: string): CommandError {
  const message =
    `${dataDir} has no audit log: no request of an audited namespace has been recorded; ` +
    'holdfast namespace set NAME --audit writes begins one';
  return new CommandError(exitCodes.failed, message);
}

async function printLines(found: AsyncIterable<FoundRecord>): Promise<void> {
  for await (const { line } of found) if (!(await standardOutput.write(`${line}\n`))) return;
}

/** Rows that share their widths; a log may have millions. */
const rowsOfPiece = 500;

const titles = 'TIME,USER,TOKEN,NAMESPACE,ACTION,KEY,VERSIONS,OUTCOME,REQUEST'.split(',');

async function printTable(found: AsyncIterable<FoundRecord>): Promise<void> {
  const table = new TextTable();
  let rows: string[][] = [titles];
  for await (const { record } of found) {
    rows.push(rowOf(record));
    if (rows.length < rowsOfPiece) continue;
    if (!(await standardOutput.write(table.linesOf(rows)))) return;
    rows = [];
  }
  await standardOutput.write(table.linesOf(rows));
}

export function rowOf(record: StoredAuditRecord): string[] {
  const { at, user, token = '', namespace = '', action, outcome, error, count } = record;
  const result = error === undefined ? outcome : `${outcome} ${error}`;
  const times = count === undefined ? '' : ` (${count} times)`;
  const who = [at, user ?? '-', token, namespace];
  return [...who, action, aboutOf(record), versionsOf(record), result + times, record.requestId];
}

/** More keys than a line has room for are counted. */
const shownKeys = 3;

function aboutOf({ key, keys, prefix, target = '' }: StoredAuditRecord): string {
  if (key !== undefined) return visibleName(key);
  if (prefix !== undefined) return `${visibleName(prefix)}*`;
  if (keys === undefined) return target;
  const shown = keys.slice(0, shownKeys).map(visibleName).join(' ');
  return keys.length <= shownKeys ? shown : `${shown} … (${keys.length} keys)`;
}

function versionsOf({ oldVersion, newVersion }: StoredAuditRecord): string {
  if (oldVersion === undefined) return newVersion === undefined ? '' : `-> ${newVersion}`;
  return newVersion === undefined ? String(oldVersion) : `${oldVersion} -> ${newVersion}`;
}
