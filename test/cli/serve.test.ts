// `holdfast serve` as a process: its output, its refusals, and its stop.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { copyProject } from '../support/processes/project-copy.ts';
import { putKept, runInTest, serveInTest } from '../support/processes/server-of-test.ts';
import {
  isRunning,
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  urlOf,
  type ServerProcess,
} from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const start = (flags?: readonly string[]) => serveInTest(folder, flags);

async function openSocket(url: string, sent = ''): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The server may reset a connection that it cuts.
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(sent);
  return socket;
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

const largeBytes = 32 * 1024 * 1024;

/** A client that asks for more than its socket holds, and reads none of it yet. */
async function startSlowReader(url: string): Promise<Socket> {
  await fetch(`${url}/v1/keys/large`, { method: 'PUT', body: Buffer.alloc(largeBytes, 'x') });
  const socket = await openSocket(url, 'GET /v1/keys/large HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'readable');
  return socket;
}

describe('the start', () => {
  test('prints its address, data folder and durability, and a command to try', async () => {
    const { program, url } = await start(['--shards', 'auto']);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(program.stdout).toContain(`  data   ${folder}\n`);
    expect(program.stdout).toContain('  fsync  always (');
    const [, command = ''] = /^ {2}try {4}(curl .*)$/m.exec(program.stdout) ?? [];
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --silent`]);
    expect(stdout).toMatch(/^HTTP\/1\.1 201 /);
  });

  test('takes settings from a file, the environment and flags together', async () => {
    const configFile = join(folder, 'settings.json');
    await writeFile(configFile, '{ "fsync": "never", "shards": 3, "logLevel": "error" }');
    const env = { HOLDFAST_SHARDS: '2', HOLDFAST_FSYNC: 'interval' };
    const dataDir = join(folder, 'data');
    const { program } = await serveInTest(dataDir, ['--config', configFile], { env });
    expect(program.stdout).toContain('  fsync  interval (');
    const manifest: unknown = JSON.parse(await readFile(join(dataDir, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ shards: 1 });
  });

  test('logs JSON to standard error, and no line a request', async () => {
    const { program, url } = await start(['--log-level', 'trace']);
    await fetch(`${url}/v1/keys/secret`, { method: 'PUT', body: 'hidden value' });
    program.kill('SIGTERM');
    await program.exited;
    const lines = program.stderr.trimEnd().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('level');
    expect(program.stderr).not.toMatch(/secret|hidden/);
  });
});

test('a start makes a store in a folder that a repository keeps empty', async () => {
  await writeFile(join(folder, '.gitkeep'), '');
  await writeFile(join(folder, '.gitignore'), '*');
  const { url } = await start();
  expect(await putKept(url)).toBe(201);
});

describe('a start that fails', () => {
  test('a port in use ends with code 1 and one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const flags = ['--data-dir', folder, '--shards', '1', '--log-level', 'warn'];
    const args = ['serve', '--port', String(port), ...flags];
    const { code, stdout, stderr } = await runToEnd(args);
    other.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `holdfast: cannot listen on 127.0.0.1, port ${port}: the port is in use; ` +
        'stop what listens there, or set another one with --port\n',
    );
    expect(await readdir(folder)).toEqual([]);
    const { program } = await start();
    expect(program.stdout).toContain(folder);
  });

  test('an address that the machine does not have ends with code 1, and makes no data folder', async () => {
    // An address for documentation, which no machine has.
    const flags = ['--host', '192.0.2.1', '--port', '0', '--data-dir', join(folder, 'data')];
    const env = { HOLDFAST_TOKEN: 'a-token-for-this-test' };
    const { code, stderr } = await runToEnd(['serve', ...flags], { env });
    expect([code, stderr]).toEqual([
      1,
      'holdfast: cannot listen on 192.0.2.1, port 0: this machine does not have that address; ' +
        'set another one with --host\n',
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('a data folder that is a file ends with code 1', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'precious');
    const { code, stderr } = await runToEnd(['serve', '--port', '0', '--data-dir', file]);
    expect(code).toBe(1);
    expect(lastLine(stderr)).toMatch(
      /^holdfast: the data folder .*file cannot be used: it is not a folder$/,
    );
    expect(await readFile(file, 'utf8')).toBe('precious');
  });

  test('a folder with files of others is refused with code 3, and nothing is made in it', async () => {
    await writeFile(join(folder, 'passwd'), 'precious');
    const { code, stdout, stderr } = await runToEnd(['serve', '--port', '0', '--data-dir', folder]);
    expect([code, stdout]).toEqual([3, '']);
    expect(lastLine(stderr)).toBe(
      `holdfast: ${folder} is not empty, it holds passwd: a new store is made in a folder that is ` +
        'absent or empty. Nothing has been changed.',
    );
    expect(await readdir(folder)).toEqual(['passwd']);
  });

  test('a folder in use is refused with code 3, and its holder is named', async () => {
    const { program } = await start();
    const { code, stderr } = await runToEnd(['serve', '--port', '0', '--data-dir', folder]);
    expect(code).toBe(3);
    expect(lastLine(stderr)).toMatch(new RegExp(`^holdfast: .*process ${program.pid}\\b`));
  });

  test('another number of shards than the folder has is refused with code 3', async () => {
    const { program } = await start(['--shards', '2']);
    await program.end();
    const args = ['serve', '--port', '0', '--data-dir', folder, '--shards', '3'];
    const { code, stderr } = await runToEnd(args);
    expect(code).toBe(3);
    expect(lastLine(stderr)).toMatch(/^holdfast: .*\b2\b.*\b3\b|^holdfast: .*\b3\b.*\b2\b/);
  });

  test('a damaged store is refused with code 3, and nothing is changed', async () => {
    const { program } = await start();
    await program.end();
    const manifest = join(folder, 'manifest.json');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace(/\d/, '7'));
    const before = await readdir(folder, { recursive: true });
    const { code, stderr } = await runToEnd(['serve', '--port', '0', '--data-dir', folder]);
    expect(code).toBe(3);
    expect(lastLine(stderr)).toMatch(/^holdfast: .*manifest\.json/);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });
});

describe('the stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends with code 0 with any clients connected, and keeps every acknowledged write',
    async (signal) => {
      const { program, url } = await start(['--shards', '2']);
      await putKept(url);
      await openSocket(url);
      await openSocket(url, 'GET /v1/keys/kept HTTP/1.1\r\nhost: localhost\r\n');
      await openSocket(
        url,
        'PUT /v1/keys/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf',
      );
      program.kill(signal);
      expect(await program.exited).toEqual({ code: 0, signal: null });
      const again = await start(['--shards', '2']);
      const reply = await fetch(`${again.url}/v1/keys/kept`);
      expect(await reply.text()).toBe('kept');
      expect((await fetch(`${again.url}/v1/keys/half`)).status).toBe(404);
    },
  );

  test('under load no acknowledged write is lost', async () => {
    const { program, url } = await start(['--shards', '2']);
    const acknowledged = new Set<string>();
    const writeUntilStopped = async (writer: number) => {
      for (let count = 0; ; count++) {
        const key = `${writer}-${count}`;
        const reply = await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body: key }).catch(
          () => undefined,
        );
        if (reply === undefined) return;
        if (reply.ok) acknowledged.add(key);
        if (acknowledged.size === 500) program.kill('SIGTERM');
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, writer) => writeUntilStopped(writer)));
    expect(await program.exited).toEqual({ code: 0, signal: null });
    const again = await start(['--shards', '2']);
    const operations = [...acknowledged].map((key) => ({ op: 'get', key }));
    const body = JSON.stringify({ operations });
    const reply = await fetch(`${again.url}/v1/batch`, { method: 'POST', body });
    const { results }: { results: { value?: string }[] } = JSON.parse(await reply.text());
    expect(results.map(({ value }) => value)).toEqual([...acknowledged]);
  });

  test('an answer that is on its way is finished', async () => {
    const { program, url } = await start(['--value-bytes-max', '64MiB']);
    const socket = await startSlowReader(url);
    program.kill('SIGTERM');
    await program.logged(/"msg":"stopping"/);
    socket.resume();
    await once(socket, 'close');
    expect(socket.bytesRead).toBeGreaterThan(largeBytes);
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test('a client that never reads its answer cannot hold it up', async () => {
    const flags = ['--value-bytes-max', '64MiB', '--shutdown-deadline-ms', '2000'];
    const { program, url } = await start(flags);
    await startSlowReader(url);
    program.kill('SIGTERM');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test('a second signal that is not the same keystroke ends it at once', async () => {
    const { program, url } = await start(['--value-bytes-max', '64MiB']);
    await startSlowReader(url);
    const begun = performance.now();
    const ended = program.exited.then((exit) => ({ exit, tookMs: performance.now() - begun }));
    program.kill('SIGTERM');
    // The moment of a signal decides whether it counts, so keep sending.
    const sending = setInterval(() => program.kill('SIGINT'), 20);
    await ended;
    clearInterval(sending);
    const { exit, tookMs } = await ended;
    expect(exit).toEqual({ code: 130, signal: null });
    expect(tookMs).toBeGreaterThan(400);
  });
});

describe('npm start', () => {
  let project: string;
  beforeAll(async () => void (project = await copyProject()));
  afterAll(() => removeFolder(project));

  /** Builds and serves from a copy of the project, as the README says. */
  async function npmStart(): Promise<ServerProcess & { serverPid: number }> {
    const args = ['start', '--', '--port', '0', '--data-dir', folder];
    const program = runInTest('npm', args, { cwd: project, detached: true });
    const url = await urlOf(program);
    const serverPid = Number(await readFile(join(folder, 'LOCK'), 'utf8'));
    return { program, url, serverPid };
  }

  test('builds and serves, and SIGTERM to npm ends the server cleanly', async () => {
    expect(await readdir(project)).not.toContain('dist');
    const { program, url, serverPid } = await npmStart();
    expect(isRunning(serverPid)).toBe(true);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    program.kill('SIGTERM');
    await program.exited;
    expect(isRunning(serverPid)).toBe(false);
    expect(lastLine(program.stderr)).toContain('"msg":"stopped"');
  });

  test('Ctrl-C, which npm delivers twice, stops it cleanly', async () => {
    const { program, serverPid } = await npmStart();
    // A terminal sends the signal to the whole group, and npm then sends it once more.
    process.kill(-program.pid, 'SIGINT');
    await program.exited;
    expect(isRunning(serverPid)).toBe(false);
    expect(lastLine(program.stderr)).toContain('"msg":"stopped"');
  });
});
