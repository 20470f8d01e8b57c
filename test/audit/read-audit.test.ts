import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lineOfRecord, type AuditRecord } from '../../src/audit/audit-record.ts';
import { readAudit, type AuditFilter } from '../../src/audit/read-audit.ts';
import { recordOfTest } from '../support/audit/record-of-test.ts';

const at = '2025-11-24T16:00:00.000Z';

const line = (key: string, members: Partial<AuditRecord> = {}, time = at): string =>
  lineOfRecord(time, recordOfTest({ key, ...members }));

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  await mkdir(join(dataDir, 'audit'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(dataDir, 'audit', name), text);
  }
  return dataDir;
}

async function read(dataDir: string, filter: AuditFilter = {}) {
  let broken = 0;
  const found = await readAudit(dataDir, filter, () => (broken += 1));
  if (found === undefined) return undefined;
  const keys: unknown[] = [];
  for await (const { record } of found) keys.push(record.key ?? record.keys);
  return { keys, broken };
}

test('files are read oldest first, and others not at all', async () => {
  const dataDir = await folderWith({
    'audit-000010.ndjson': line('d'),
    'audit-000002.ndjson': line('a') + line('b'),
    'audit-000009.ndjson': line('c'),
    'audit-1000000.ndjson': line('e'),
    'notes.ndjson': line('no'),
  });
  expect(await read(dataDir)).toEqual({ keys: ['a', 'b', 'c', 'd', 'e'], broken: 0 });
});

test('a line that a kill has cut short is told of, and the others are read', async () => {
  const dataDir = await folderWith({
    'audit-000001.ndjson': `${line('a')}${line('x').slice(0, 40)}\n${line('b')}`,
    'audit-000002.ndjson': `${line('c')}${line('x').slice(0, -2)}`,
  });
  expect(await read(dataDir)).toEqual({ keys: ['a', 'b', 'c'], broken: 2 });
});

test('a whole last line without its line break is a record', async () => {
  const dataDir = await folderWith({ 'audit-000001.ndjson': line('a') + line('b').trimEnd() });
  expect(await read(dataDir)).toEqual({ keys: ['a', 'b'], broken: 0 });
});

test('a line longer than a piece of the file is one record', async () => {
  const key = 'é'.repeat(100_000);
  const dataDir = await folderWith({ 'audit-000001.ndjson': line('a') + line(key) + line('b') });
  expect(await read(dataDir)).toEqual({ keys: ['a', key, 'b'], broken: 0 });
});

test.each<[string, AuditFilter, readonly unknown[]]>([
  ['a user', { user: 'bob' }, ['b']],
  ['a namespace', { namespace: 'app' }, ['c']],
  ['a key', { key: 'd' }, [['d', 'e'], 'd']],
  ['a time', { sinceMs: Date.parse('2025-11-24T17:00:00.000Z') }, ['late']],
  ['several at once', { user: 'ann', key: 'd', sinceMs: 0 }, [['d', 'e'], 'd']],
  ['a user that did nothing', { user: 'eve' }, []],
])('records are found by %s', async (_, filter, keys) => {
  const dataDir = await folderWith({
    'audit-000001.ndjson':
      line('a') +
      line('b', { user: 'bob' }) +
      line('c', { namespace: 'app' }) +
      lineOfRecord(at, recordOfTest({ keys: ['d', 'e'] })) +
      line('d') +
      line('late', {}, '2025-11-24T17:00:00.000Z'),
  });
  expect(await read(dataDir, filter)).toEqual({ keys, broken: 0 });
});

test('a folder without an audit log is told from one without a record that fits', async () => {
  const dataDir = await folderWith({});
  expect(await read(dataDir)).toBeUndefined();
  expect(await read(join(dataDir, 'none'))).toBeUndefined();
});
