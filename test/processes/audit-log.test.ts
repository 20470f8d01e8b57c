// The audit log of a whole server, over stops and kills.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAudit, type FoundRecord } from '../../src/audit/read-audit.ts';
import { serveInTest } from '../support/processes/server-of-test.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let dataDir: string;
beforeEach(async () => (dataDir = await makeTemporaryFolder()));
afterEach(() => removeFolder(dataDir));

async function audited() {
  const server = await serveInTest(dataDir);
  const target = `${server.url}/v1/admin/namespaces/default`;
  const { status } = await fetch(target, { method: 'PUT', body: '{"audit":"writes"}' });
  expect([201, 204]).toContain(status);
  return server;
}

async function putAll(url: string, count: number): Promise<void> {
  const puts = Array.from({ length: count }, async (_, at) => {
    const reply = await fetch(`${url}/v1/keys/key-${at}`, { method: 'PUT', body: 'value' });
    return reply.status;
  });
  for (const status of await Promise.all(puts)) expect(status).toBeLessThan(300);
}

async function recordsOf(): Promise<{ found: FoundRecord['record'][]; broken: number }> {
  let broken = 0;
  const found = [];
  const records = await readAudit(dataDir, {}, () => (broken += 1));
  if (records !== undefined) for await (const { record } of records) found.push(record);
  return { found, broken };
}

test('a stop loses no record', async () => {
  const { program, url } = await audited();
  await putAll(url, 300);
  program.kill('SIGTERM');
  expect(await program.exited).toMatchObject({ code: 0 });
  const { found, broken } = await recordsOf();
  const keys = new Set(found.filter(({ action }) => action === 'put').map(({ key }) => key));
  expect([keys.size, broken]).toEqual([300, 0]);
});

test('a kill leaves a log that can be read, and that the next start goes on with', async () => {
  const first = await audited();
  await putAll(first.url, 300);
  first.program.kill('SIGKILL');
  await first.program.exited;
  const { found: before } = await recordsOf();
  const second = await audited();
  await putAll(second.url, 10);
  second.program.kill('SIGTERM');
  await second.program.exited;
  const { found: after, broken } = await recordsOf();
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.length).toBeGreaterThanOrEqual(before.length + 11);
  expect(broken).toBeLessThanOrEqual(1);
});

test('a server without an audited namespace makes no folder for it', async () => {
  const { program, url } = await serveInTest(dataDir);
  await putAll(url, 3);
  program.kill('SIGTERM');
  await program.exited;
  expect(await readdir(dataDir)).not.toContain('audit');
});

test('records beside a running server are there within a moment', async () => {
  const { url } = await audited();
  await putAll(url, 1);
  await expect.poll(async () => (await recordsOf()).found.at(-1)?.key).toBe('key-0');
  expect(await readdir(join(dataDir, 'audit'))).toEqual(['audit-000001.ndjson']);
});
