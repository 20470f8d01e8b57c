// `holdfast backup` as typed, against servers that do what they should, and others.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { openApp } from '../support/http/open-app.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  file = join(folder, 'backup.ndjson');
});
afterEach(() => removeFolder(folder));

const backup = (url: string) => runToEnd(['backup', '--url', url, '--to', file]);

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a server with these entries would stream. */
async function bytesOf(entries: number): Promise<Buffer> {
  const { model, url } = await openApp();
  for (let index = 0; index < entries; index++) await model.submit(put(`key ${index}`, 'x'));
  return Buffer.from(await (await fetch(`${url}/v1/backup`)).arrayBuffer());
}

describe('holdfast backup', () => {
  test('writes a file that is whole, under a path of the server too', async () => {
    const { model, url } = await openApp();
    for (let index = 0; index < 2000; index++) {
      await model.submit(put(`key ${index}`, Buffer.alloc(500, index)));
    }
    const { code, stdout, stderr } = await backup(`${url}/`);
    const bytes = (await readFile(file)).length;
    expect({ code, stdout, stderr: withoutProgress(stderr) }).toEqual({
      code: 0,
      stdout: `${file} is a whole backup: 2000 entries, ${bytes} bytes\n`,
      stderr: '',
    });
    const opened = nodeFileSystem.openReadOnly(file);
    const reader = new BackupReader(opened, file);
    for (const block of reader.blocks()) void block;
    opened.close();
    expect(reader.entries).toBe(2000);
    expect(await readdir(folder)).toEqual(['backup.ndjson']);
  });

  test('leaves a file that is there as it is', async () => {
    await writeFile(file, 'mine');
    const taken = await backup('http://127.0.0.1:1');
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining('exists already')]);
    expect(await readFile(file, 'utf8')).toBe('mine');
    file = join(folder, 'other');
    await writeFile(`${file}.tmp`, 'of another');
    const busy = await backup('http://127.0.0.1:1');
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('other.tmp exists')]);
    expect(await readFile(`${file}.tmp`, 'utf8')).toBe('of another');
  });

  test.each<[string, RequestListener, RegExp]>([
    ['is no Holdfast', (_, reply) => reply.end('<html>'), /answered 200, but not as a Holdfast/],
    [
      'has no such route',
      (_, reply) => reply.writeHead(404).end(),
      /answered 404, but not as a Holdfast server/,
    ],
    [
      'refuses',
      (_, reply) => {
        reply.writeHead(503, { 'content-type': 'application/problem+json' });
        reply.end('{"detail":"A backup is being taken already."}');
      },
      /refused with 503: A backup is being taken already\./,
    ],
    [
      'sends something else',
      (_, reply) => reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end('{}\n'),
      /the backup, line 1, offset 0: it does not begin as a backup does/,
    ],
  ])('fails where the server %s, and leaves nothing', async (_what, listener, message) => {
    const { code, stdout, stderr } = await backup(await serve(listener));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(withoutProgress(stderr)).toMatch(/^holdfast: [^\n]+\n$/);
    expect(await readdir(folder)).toEqual([]);
  });

  test('fails where nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await backup(`http://127.0.0.1:${port}`);
    const message = 'can not be reached (ECONNREFUSED)';
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('fails where the connection is cut or the footer missing, and leaves nothing', async () => {
    const bytes = await bytesOf(100);
    const headers = { 'content-type': 'application/x-ndjson' };
    const cut = await serve((_, reply) => {
      reply.writeHead(200, headers).write(bytes, () => reply.destroy());
    });
    const cutShort = await backup(cut);
    expect([cutShort.code, cutShort.stderr]).toEqual([
      1,
      expect.stringContaining('the backup is incomplete: the connection was cut'),
    ]);
    const footerless = bytes.subarray(0, bytes.lastIndexOf('\n', bytes.length - 2) + 1);
    const early = await serve((_, reply) => reply.writeHead(200, headers).end(footerless));
    const endedEarly = await backup(early);
    expect([endedEarly.code, endedEarly.stderr]).toEqual([
      1,
      expect.stringContaining('the end of the backup is missing'),
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('interrupted by %s leaves nothing', async (signal) => {
    const url = await serve((_, reply) => {
      reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"format":');
    });
    const args = [programFile, 'backup', '--url', url, '--to', file];
    const program = new ProgramProcess(process.execPath, args);
    onTestFinished(() => program.end());
    await expect.poll(() => readdir(folder), { timeout: 20_000 }).toEqual(['backup.ndjson.tmp']);
    program.kill(signal);
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(withoutProgress(program.stderr)).toBe('holdfast: interrupted; nothing is left\n');
    expect(await readdir(folder)).toEqual([]);
  });
});
