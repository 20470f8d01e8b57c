// Types `holdfast backup`, against servers that behave well and servers that do not.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { makeNamespaces, openApp } from '../support/http/open-app.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  runToEnd,
  runWithoutRoom,
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

const run = (url: string, flags: readonly string[], env: Record<string, string> = {}) =>
  runToEnd(['backup', '--url', url, '--to', file, ...flags], { env });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The backup that a server with so many entries would send. */
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

  test('writes one namespace, which restore makes a store of', async () => {
    const { model, url, access } = await openApp();
    await makeNamespaces(access, 'app');
    for (const namespace of ['app', 'other', '~program']) {
      await model.submit({ ...put('key', `of ${namespace}`), namespace });
    }
    const taken = await run(url, ['--namespace', 'app']);
    const bytes = (await readFile(file)).length;
    expect([taken.code, taken.stdout]).toEqual([
      0,
      `${file} is a whole backup of the namespace app: 1 entries, ${bytes} bytes\n`,
    ]);
    const dataDir = join(folder, 'data');
    const flags = ['--data-dir', dataDir, '--shards', '2', '--open'];
    const restored = await runToEnd(['restore', file, ...flags]);
    expect([restored.code, restored.stdout]).toEqual([
      0,
      `${dataDir} holds the backup of the namespace app now: 1 entries, 2 shards\n` +
        'a server on it needs no token\n',
    ]);
    const { stdout } = await runToEnd(['dump', dataDir]);
    expect(JSON.parse(stdout)).toMatchObject({ namespace: 'app', key: 'key' });
    expect(stdout).not.toMatch(/other|program/);
  });

  test('keeps no backup of everything in place of one namespace', async () => {
    const bytes = await bytesOf(3);
    const url = await serve((_, reply) => {
      reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(bytes);
    });
    const taken = await run(url, ['--namespace', 'app']);
    expect([taken.code, withoutProgress(taken.stderr)]).toEqual([
      1,
      'holdfast: the server sent a backup of the whole store, not of the namespace app\n',
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('sends nothing for a name that no namespace has', async () => {
    const taken = await run('http://127.0.0.1:1', ['--namespace', '~program']);
    expect([taken.code, taken.stderr]).toEqual([
      2,
      expect.stringContaining('--namespace is "~program"; a namespace has 1 to 64 characters'),
    ]);
  });

  test('of an address with a path of the API shows the address, and what it must be', async () => {
    const { url } = await openApp();
    for (const path of ['/v1/backup', '/v1', '/v1/keys/']) {
      const taken = await backup(url.replace('//', '//user:s3cret@') + path);
      expect(taken.code).toBe(1);
      expect(taken.stderr).toContain(
        `; --url is ${url}${path}; allowed: the address of the server without a path, or with the ` +
          'path that a proxy puts before it\n',
      );
      expect(taken.stderr).not.toContain('s3cret');
    }
    const unknown = await run(`${url}/ns/default`, ['--namespace', 'absent']);
    expect(unknown.stderr).not.toContain('--url');
  });

  test('does not touch an existing file', async () => {
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
  ])('fails if the server %s, and leaves nothing', async (_what, listener, message) => {
    const { code, stdout, stderr } = await backup(await serve(listener));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(withoutProgress(stderr)).toMatch(/^holdfast: [^\n]+\n$/);
    expect(await readdir(folder)).toEqual([]);
  });

  test('names the file that it cannot write', async () => {
    file = join(folder, 'missing', 'monday.backup');
    const { code, stderr } = await backup(
      await serve((_, reply) => {
        reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end('{}\n');
      }),
    );
    expect(code).toBe(1);
    expect(stderr).toBe(`holdfast: --to ${file} cannot be written (ENOENT)\n`);
  });

  test('says that the disk is full, and leaves nothing', async () => {
    const bytes = await bytesOf(100);
    const url = await serve((_, reply) => {
      reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(bytes);
    });
    const { code, stdout, stderr } = await runWithoutRoom(['backup', '--url', url, '--to', file]);
    expect([code, stdout, withoutProgress(stderr)]).toEqual([
      1,
      '',
      `holdfast: no room on disk in ${folder} for the backup: what was written is removed, and the ` +
        "server's store is unchanged\n",
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('fails if no server listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await backup(`http://127.0.0.1:${port}`);
    const message = 'cannot be reached (ECONNREFUSED)';
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('fails if the connection is cut or the footer missing, and leaves nothing', async () => {
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

  test('interrupted while no process reads its progress leaves nothing', async () => {
    const url = await serve((_, reply) => {
      reply.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const sending = setInterval(() => reply.write('{'), 20);
      reply.on('close', () => clearInterval(sending));
    });
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(reader));
    expect(() => {
      for (;;) writeSync(reader, '-');
    }).toThrow('EAGAIN');
    const args = ['sh', process.execPath, programFile, 'backup', '--url', url, '--to', file];
    const program = new ProgramProcess('sh', ['-c', `exec "$@" 2>"${pipe}"`, ...args]);
    onTestFinished(() => program.end());
    // The stream lasts longer than the second after which the command first reports its progress.
    const bytes = async (): Promise<number> =>
      (await stat(`${file}.tmp`).catch(() => undefined))?.size ?? 0;
    await expect.poll(bytes, { timeout: 20_000 }).toBeGreaterThan(100);
    program.kill('SIGTERM');
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(await readdir(folder)).toEqual(['pipe']);
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

const secret = 's3cret-p%C3%A4ss';

const printsNoSecret = ({ stdout, stderr }: { stdout: string; stderr: string }): void => {
  expect(stdout + stderr).not.toMatch(/s3cret|cDNjc|czNjcm/);
};

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders[];
}

/** A server that sends a whole backup, and remembers the headers of the request. */
async function serveBackup(): Promise<Seen> {
  const bytes = await bytesOf(3);
  const headers: IncomingHttpHeaders[] = [];
  const url = await serve((request, reply) => {
    headers.push(request.headers);
    reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(bytes);
  });
  return { url, headers };
}

describe('a credential of holdfast backup', () => {
  test('is sent as headers just as they are typed, also several of a name', async () => {
    const { url, headers } = await serveBackup();
    const flags = ['X-Key: s3cret:1', 'x-list:  a', 'X-List: b ', 'X-Empty:'];
    const taken = await run(
      url,
      flags.flatMap((line) => ['--header', line]),
    );
    expect([taken.code, withoutProgress(taken.stderr)]).toEqual([0, '']);
    expect(headers).toMatchObject([{ 'x-key': 's3cret:1', 'x-list': 'a, b', 'x-empty': '' }]);
    expect(headers[0]).not.toHaveProperty('authorization');
    printsNoSecret(taken);
  });

  test.each<[string, (tokenFile: string) => readonly string[], Record<string, string>]>([
    ['--token', () => ['--token', 's3cret'], {}],
    ['--token-file', (tokenFile) => ['--token-file', tokenFile], {}],
    ['the environment', () => [], { HOLDFAST_TOKEN: 's3cret' }],
    ['the environment, the first of two', () => [], { HOLDFAST_TOKEN: 's3cret,other' }],
    ['--token before the environment', () => ['--token', 's3cret'], { HOLDFAST_TOKEN: 'other' }],
  ])('is the token of %s', async (_what, flagsOf, env) => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 's3cret\n');
    const { url, headers } = await serveBackup();
    const taken = await run(url, flagsOf(tokenFile), env);
    expect(taken.code).toBe(0);
    expect(headers).toMatchObject([{ authorization: 'Bearer s3cret' }]);
    printsNoSecret(taken);
  });

  test('is no token of an empty variable', async () => {
    const { url, headers } = await serveBackup();
    expect((await run(url, [], { HOLDFAST_TOKEN: '' })).code).toBe(0);
    expect(headers[0]).not.toHaveProperty('authorization');
  });

  test('is the user name and password of the address', async () => {
    const { url, headers } = await serveBackup();
    const taken = await run(url.replace('//', `//us%20er:${secret}@`), []);
    expect(taken.code).toBe(0);
    const value = Buffer.from('us er:s3cret-päss').toString('base64');
    expect(headers).toMatchObject([{ authorization: `Basic ${value}` }]);
    printsNoSecret(taken);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['refuses', (_, reply) => reply.writeHead(401).end(), /\/v1\/backup answered 401/],
    ['is another', (_, reply) => reply.end('<html>'), /\/v1\/backup answered 200/],
    ['hangs up', (request) => request.socket.destroy(), /cannot be reached/],
    [
      'redirects to itself',
      (_, reply) => reply.writeHead(302, { location: '/again?token=s3cret' }).end(),
      /redirected more than 5 times/,
    ],
    [
      'redirects to a file',
      (_, reply) => reply.writeHead(302, { location: 'file:///s3cret' }).end(),
      /redirected to something that is no address of HTTP/,
    ],
  ])('is in no error of a server that %s', async (_what, listener, message) => {
    const url = (await serve(listener)).replace('//', `//user:${secret}@`);
    const failed = await run(url, ['--header', 'X-Key: s3cret']);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(message)]);
    printsNoSecret(failed);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each<[string, string, readonly string[]]>([
    ['an address of another kind', `ftp://user:${secret}@x`, []],
    ['no address', `user:${secret}@x/s3cret@y`, []],
    ['a port that is none', `http://user:${secret}@x:port`, []],
    ['a password that is not UTF-8', 'http://user:s3cret%ff@x', []],
    ['a header without a colon', 'http://x', ['--header', 's3cret']],
    ['a header with a line break', 'http://x', ['--header', 'X-Key: s3cret\r\nX: y']],
    ['a header beyond Latin-1', 'http://x', ['--header', 'X-Key: s3cret €']],
    ['a header of the connection', 'http://x', ['--header', 'Content-Length: 5']],
    ['a header of the address', 'http://x', ['--header', 'Host: s3cret']],
    ['a token with a space', 'http://x', ['--token', 's3cret s3cret']],
    ['an empty token', 'http://x', ['--token', '']],
    ['a token file that is not there', 'http://x', ['--token-file', '/nowhere/file']],
    ['a mistyped flag', 'http://x', ["--tokn=s3cret='s3cret"]],
    ['two tokens', 'http://x', ['--token', 's3cret', '--token-file', '/dev/null']],
    ['a token and a password', `http://user:${secret}@x`, ['--token', 's3cret']],
    [
      'a token and a header',
      'http://x',
      ['--token', 's3cret', '--header', 'Authorization: s3cret'],
    ],
  ])('is not printed if the command line has %s', async (_what, url, flags) => {
    const refused = await run(url, flags);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/^holdfast: [^\n]+\n$/),
    ]);
    printsNoSecret(refused);
  });

  test('goes along with redirects to the same server, and to no other one', async () => {
    const other = await serveBackup();
    const bytes = await bytesOf(3);
    const asked: [string, string | undefined][] = [];
    const url = await serve((request, reply) => {
      asked.push([request.url ?? '', request.headers.authorization]);
      const [, target] = /^\/(\w+)\//.exec(request.url ?? '') ?? [];
      const locations = new Map([
        ['same', '/whole/v1/backup'],
        ['other', `${other.url}/v1/backup`],
      ]);
      const location = locations.get(target ?? '');
      if (location !== undefined) reply.writeHead(307, { location }).end();
      else reply.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(bytes);
    });
    const flags = ['--token', 's3cret', '--header', 'X-Key: s3cret'];
    expect((await run(`${url}/same`, flags)).code).toBe(0);
    expect(asked).toEqual([
      ['/same/v1/backup', 'Bearer s3cret'],
      ['/whole/v1/backup', 'Bearer s3cret'],
    ]);
    await rm(file);
    expect((await run(`${url}/other`, flags)).code).toBe(0);
    expect(JSON.stringify(other.headers)).not.toMatch(/s3cret|authorization|x-key/);
  });

  test('is not sent on, and an error says so', async () => {
    const other = await serve((_, reply) => reply.writeHead(401).end());
    const url = await serve((_, reply) => {
      reply.writeHead(302, { location: other.replace('//', '//user:other@') }).end();
    });
    const failed = await run(url, ['--token', 's3cret']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /answered 401, .*; it was redirected to, so that no header or token/,
    );
    expect(failed.stderr).not.toContain('other@');
  });
});
