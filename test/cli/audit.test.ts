// `holdfast audit` as typed, on real files, and its parts.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lineOfRecord, type AuditRecord } from '../../src/audit/audit-record.ts';
import { parseSince, rowOf } from '../../src/cli/audit-command.ts';
import { recordOfTest } from '../support/audit/record-of-test.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';

const noon = Date.parse('2030-01-31T12:00:00Z');

describe('--since', () => {
  test.each([
    ['2h', noon - 7_200_000],
    ['90m', noon - 5_400_000],
    ['30d', noon - 2_592_000_000],
    ['2030-01-31T11:00:00Z', noon - 3_600_000],
    ['2030-01-31T12:00:00+01:00', noon - 3_600_000],
    ['1764000000000', 1_764_000_000_000],
  ])('is read: %s', (typed, time) => {
    expect(parseSince(typed, noon)).toBe(time);
  });

  test.each([
    '',
    'yesterday',
    '2030-01-31',
    '2030-02-31T00:00:00Z',
    '-2h',
    '2w',
    '2030-01-31T12:00',
  ])('is refused, with the forms that are allowed: %j', (typed) => {
    expect(() => parseSince(typed, noon)).toThrow(
      `--since is ${JSON.stringify(typed)}; allowed: 30d, 12h or 90m ago, 2030-01-31T00:00:00Z, or Unix milliseconds`,
    );
  });
});

describe('a row of the table', () => {
  const at = '2030-01-31T12:00:00.000Z';
  const shown = (members: Partial<AuditRecord>) =>
    rowOf({ at, ...recordOfTest(members) }).slice(4, 8);

  test.each<[string, Partial<AuditRecord>, readonly string[]]>([
    ['a put', { key: 'a', oldVersion: 3, newVersion: 4 }, ['put', 'a', '3 -> 4', 'applied']],
    [
      'a read',
      { action: 'get', key: 'a', oldVersion: 3, outcome: 'read' },
      ['get', 'a', '3', 'read'],
    ],
    ['an odd key', { key: 'a\u{202e} b' }, ['put', '"a\\u202e b"', '', 'applied']],
    ['a few keys', { keys: ['a', 'b', 'c'] }, ['put', 'a b c', '', 'applied']],
    ['many keys', { keys: ['a', 'b', 'c', 'd'] }, ['put', 'a b c … (4 keys)', '', 'applied']],
    ['a listing', { action: 'list', prefix: 'a', outcome: 'read' }, ['list', 'a*', '', 'read']],
    ['a user', { action: 'user.put', target: 'bob' }, ['user.put', 'bob', '', 'applied']],
    ['a denial', { outcome: 'denied', error: 'FORBIDDEN' }, ['put', '', '', 'denied FORBIDDEN']],
    ['many denials', { outcome: 'denied', count: 7 }, ['put', '', '', 'denied (7 times)']],
  ])('shows %s', (_, members, cells) => {
    expect(shown(members)).toEqual(cells);
  });
});

const line = (time: string, members: Partial<AuditRecord>): string =>
  lineOfRecord(`${time}.000Z`, recordOfTest({ namespace: 'app', ...members }));

describe('holdfast audit', () => {
  let dataDir: string;
  let without: string;
  beforeAll(async () => {
    [dataDir, without] = [await makeTemporaryFolder(), await makeTemporaryFolder()];
    await mkdir(join(dataDir, 'audit'));
    await writeFile(
      join(dataDir, 'audit', 'audit-000001.ndjson'),
      line('2025-11-24T16:00:00', { key: 'a', oldVersion: 0, newVersion: 1 }) +
        line('2025-11-24T17:00:00', { user: 'bob', token: 'ci', key: 'b' }).slice(0, 50),
    );
    await writeFile(
      join(dataDir, 'audit', 'audit-000002.ndjson'),
      line('2025-11-24T18:00:00', { user: 'bob', token: 'ci', key: 'a', action: 'delete' }),
    );
  });
  afterAll(() => Promise.all([dataDir, without].map(removeFolder)));

  const note = 'holdfast: note: 1 line is no record (a process was killed), and left out\n';

  test('prints a table, oldest first, and tells of a line that is cut short', async () => {
    expect(await runToEnd(['audit', dataDir])).toMatchObject({
      code: 0,
      stdout:
        'TIME                      USER  TOKEN  NAMESPACE  ACTION  KEY  VERSIONS  OUTCOME  REQUEST\n' +
        '2025-11-24T16:00:00.000Z  ann          app        put     a    0 -> 1    applied  r-1\n' +
        '2025-11-24T18:00:00.000Z  bob   ci     app        delete  a              applied  r-1\n',
      stderr: note,
    });
  });

  test('prints the lines that match all filters', async () => {
    const flags = ['--user', 'bob', '--key', 'a', '--namespace', 'app', '--json'];
    const { code, stdout } = await runToEnd(['audit', dataDir, ...flags, '--since', '1']);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({ user: 'bob', key: 'a', action: 'delete' });
  });

  test('prints only titles if no record matches', async () => {
    const { code, stdout } = await runToEnd(['audit', dataDir, '--user', 'eve']);
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 });
  });

  test('fails for a folder without an audit log, and says how to begin one', async () => {
    expect(await runToEnd(['audit', without])).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        `holdfast: ${without} has no audit log: no request of an audited namespace has been recorded; ` +
        'holdfast namespace set NAME --audit writes begins one\n',
    });
  });

  test('fails for a folder that is not there', async () => {
    const { code, stderr } = await runToEnd(['audit', join(without, 'none')]);
    expect([code, stderr]).toEqual([
      1,
      `holdfast: ${join(without, 'none')}: there is no such folder\n`,
    ]);
  });
});
