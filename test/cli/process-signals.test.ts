// Sends signals to a real server. Some must end it, and some must neither kill it nor open a
// debugger. Checks the time between a signal and the end, too.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  expectCleanFolder,
  putKept,
  runInTest,
  serveInTest,
} from '../support/processes/server-of-test.ts';
import {
  isRunning,
  makeTemporaryFolder,
  programFile,
  removeFolder,
  urlOf,
  type ProgramOptions,
  type ProgramProcess,
} from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const start = (flags?: readonly string[], options?: ProgramOptions) =>
  serveInTest(folder, flags, options);

/** Starts a server on a terminal of its own. */
async function startOnTerminal(): Promise<{ terminal: ProgramProcess; pid: number; log: string }> {
  const words = [process.execPath, programFile, 'serve', '--port', '0', '--shards', '1'];
  const log = join(folder, 'log');
  const command = `exec ${[...words, '--data-dir', join(folder, 'data')].join(' ')} 2>${log}`;
  const terminal = runInTest('script', ['-qec', command, '/dev/null']);
  await terminal.printed(/ listens on /);
  const pid = Number(await readFile(join(folder, 'data', 'LOCK'), 'utf8'));
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  return { terminal, pid, log };
}

describe('SIGHUP', () => {
  test('does not end a server that nohup started', async () => {
    const args = ['serve', '--port', '0', '--shards', '1', '--data-dir', folder];
    const program = runInTest('nohup', [process.execPath, programFile, ...args]);
    const url = await urlOf(program);
    program.kill('SIGHUP');
    await program.logged(/"msg":"SIGHUP is ignored: no standard stream is a terminal"/);
    expect(await putKept(url)).toBe(201);
    program.kill('SIGTERM');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test('stops a server on a terminal cleanly', async () => {
    const { terminal, pid, log } = await startOnTerminal();
    process.kill(pid, 'SIGHUP');
    expect(await terminal.exited).toEqual({ code: 0, signal: null });
    expect(await readFile(log, 'utf8')).toMatch(
      /"SIGHUP","msg":"stopping"}\n.*"msg":"stopped"}\n$/,
    );
  });

  test('comes when the terminal closes, and the server stops cleanly', async () => {
    const { terminal, pid, log } = await startOnTerminal();
    terminal.kill('SIGKILL');
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
    expect(await readFile(log, 'utf8')).toMatch(
      /"SIGHUP","msg":"stopping"}\n.*"msg":"stopped"}\n$/,
    );
  });
});

test('SIGUSR1 opens no debugger and ends nothing', async () => {
  const { program, url } = await start();
  program.kill('SIGUSR1');
  // The system delivers signals in no order. So this waits for the log line that a signal causes.
  program.kill('SIGHUP');
  await program.logged(/"msg":"SIGHUP is ignored/);
  expect(await putKept(url)).toBe(201);
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(program.stderr).not.toMatch(/debugger/i);
});

test('SIGUSR1 opens no debugger in a running command', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const { port } = silent.address() as AddressInfo;
  const asked = once(silent, 'request');
  const target = join(folder, 'backup');
  const args = ['backup', '--url', `http://127.0.0.1:${port}`, '--to', target];
  const program = runInTest(process.execPath, [programFile, ...args]);
  await asked;
  program.kill('SIGUSR1');
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 1, signal: null });
  expect(program.stderr).toBe('holdfast: interrupted; nothing is left\n');
});

const withDelay = (delayMs: number): string[] => ['--drain-delay-ms', String(delayMs)];

describe('drainDelayMs', () => {
  test('keeps the server open after SIGTERM, while /readyz says that it stops', async () => {
    const { program, url } = await start(withDelay(2000));
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const from = performance.now();
    program.kill('SIGTERM');
    await program.logged(/"msg":"stopping"/);
    const headers = { connection: 'close' };
    const ready = await fetch(`${url}/readyz`, { headers });
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ reason: 'The server is stopping.' });
    expect((await fetch(`${url}/livez`, { headers })).status).toBe(200);
    expect(await putKept(url)).toBe(201);
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeGreaterThanOrEqual(2000);
    expectCleanFolder(folder);
  });

  const endless = [...withDelay(80_000_000), '--shutdown-deadline-ms', '86400000'];

  test('does not delay the stop after Ctrl-C', async () => {
    const { program } = await start(endless);
    program.kill('SIGINT');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test('ends at a second signal, and so does the process', async () => {
    const { program } = await start(endless);
    program.kill('SIGTERM');
    await program.logged(/"msg":"stopping"/);
    const ended = once(program.child, 'exit');
    // The server takes a second signal within half a second for the same keystroke, so keep sending.
    const again = setInterval(() => program.kill('SIGTERM'), 100);
    expect(await ended).toEqual([143, null]);
    clearInterval(again);
  });

  test('is part of the deadline', async () => {
    const { program, url } = await start([...withDelay(500), '--shutdown-deadline-ms', '1000']);
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const from = performance.now();
    program.kill('SIGTERM');
    expect((await program.exited).signal).toBeNull();
    expect(performance.now() - from).toBeLessThan(5000);
  });
});

test('keepAliveTimeoutMs bounds the time of idle connections, and clients hear it', async () => {
  const { url } = await start(['--keep-alive-timeout-ms', '700000']);
  expect((await fetch(`${url}/livez`)).headers.get('keep-alive')).toBe('timeout=700');
  const brief = await serveInTest(join(folder, 'brief'), ['--keep-alive-timeout-ms', '1']);
  const socket = connect(Number(new URL(brief.url).port), '127.0.0.1');
  socket.resume().write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
});

test('an unknown variable is a warning in the log, and an empty one is not', async () => {
  const env = { HOLDFAST_PROT: '1', HOLDFAST_FSYNC: '', HOLDFAST_TOKEN: 'secret-of-the-test' };
  const { program } = await start([], { env });
  await program.logged(/^{"level":40,.*"variable":"HOLDFAST_PROT","msg":"an environment variable/m);
  expect(program.stdout).toContain('  fsync  always (');
  expect(program.stderr).not.toMatch(/HOLDFAST_FSYNC|HOLDFAST_TOKEN|secret/);
});
