import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeAuditFolder } from '../../src/audit/node-audit-folder.ts';

async function emptyFolder(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  return join(parent, 'data', 'audit');
}

test('a folder that is missing is empty, and is made with its first file', async () => {
  const path = await emptyFolder();
  const folder = nodeAuditFolder(path);
  expect(await folder.list()).toEqual([]);
  const file = await folder.open('one');
  expect([file.bytes, file.endsLine]).toEqual([0, true]);
  expect(await file.append(Buffer.from('a\nb'))).toBe(3);
  await file.sync();
  await file.close();
  expect(await folder.list()).toEqual(['one']);
  const again = await folder.open('one');
  expect([again.bytes, again.endsLine]).toEqual([3, false]);
  await again.close();
  await folder.remove('one');
  expect(await folder.list()).toEqual([]);
});

test('bytes go behind those that another program has appended meanwhile', async () => {
  const path = await emptyFolder();
  const folder = nodeAuditFolder(path);
  const file = await folder.open('one');
  await file.append(Buffer.from('a\n'));
  await appendFile(join(path, 'one'), 'b\n');
  await file.append(Buffer.from('c\n'));
  await file.close();
  expect(await readFile(join(path, 'one'), 'utf8')).toBe('a\nb\nc\n');
});
