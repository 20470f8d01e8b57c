// A server serves and stops as usual, whatever its standard streams are. They may be full, broken,
// closed, or a pipe that no process reads. Commands write as much as they can, and end with their
// own exit code.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/processes/process-facts.ts';
import {
  expectCleanFolder,
  putKept,
  runInTest,
  serveInTest,
} from '../support/processes/server-of-test.ts';
import {
  makeTemporaryFolder,
  programFile,
  type ProgramProcess,
  type ProgramOptions,
  removeFolder,
} from '../support/processes/server-process.ts';

let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  dataDir = join(folder, 'data');
});
afterEach(() => removeFolder(folder));

interface Server {
  readonly program: ProgramProcess;
  readonly url: string;
}

/** Asks over HTTP: a test may not get to see the output. */
async function untilReady({ program, url }: Server): Promise<Server> {
  const ended = program.exited.then((exit) => {
    throw new Error(`ended with ${JSON.stringify(exit)}:\n${program.stdout}${program.stderr}`);
  });
  ended.catch(() => undefined);
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
  const ready = (): Promise<boolean> => Promise.race([isReady().catch(() => false), ended]);
  await expect.poll(ready, { timeout: 20_000 }).toBe(true);
  return { program, url };
}

const flagsOf = (pid: number, descriptor: number): number => {
  const facts = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1');
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(facts)?.[1] ?? '', 8) & constants.O_NONBLOCK;
};

/** @param script a script of sh, in which "$@" is the server */
async function serveBy(script: string, options?: ProgramOptions): Promise<Server> {
  const port = await freePort();
  const serve = ['serve', '--port', String(port), '--data-dir', dataDir, '--shards', '1'];
  const command = [process.execPath, programFile, ...serve];
  const args = ['-c', script, 'sh', ...command];
  const program = runInTest('sh', args, { ...options, detached: true });
  return untilReady({ program, url: `http://127.0.0.1:${port}` });
}

async function linesLost({ url }: Server): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^holdfast_log_lines_lost_total (\d+)$/m.exec(text)?.[1]);
}

async function expectCleanStop({ program }: Server): Promise<void> {
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expectCleanFolder(dataDir);
}

/** The server ignores a SIGHUP without a terminal, and writes a line to the log. */
function logSomething({ program }: Server): void {
  program.kill('SIGHUP');
}

/**
 * Makes a pipe that takes nothing more.
 *
 * @returns the descriptor that keeps it open, and its path
 */
function fullPipe(): { pipe: number; path: string } {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(pipe));
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(pipe, Buffer.alloc(size, '-'));
    } catch {
      // The pipe is full.
    }
  }
  return { pipe, path };
}

describe('serve', () => {
  test.each([
    ['standard error is full', '2>/dev/full'],
    ['standard error is closed', '2>&-'],
    ['standard output is full', '>/dev/full'],
    ['standard output is closed', '>&-'],
    ['both are full', '>/dev/full 2>&1'],
    ['all three are closed', '<&- >&- 2>&-'],
  ])('starts, serves and stops cleanly if %s', async (_what, redirections) => {
    const server = await serveBy(`exec "$@" ${redirections}`);
    expect(await putKept(server.url)).toBe(201);
    await expectCleanStop(server);
  });

  test('prints its address on standard error if standard output is full', async () => {
    const server = await serveBy('exec "$@" >/dev/full');
    const [line] = await server.program.logged(/^.*"url".*$/m);
    expect(JSON.parse(line)).toMatchObject({ level: 40, url: server.url });
  });

  test('goes on behind a pipe whose reader has gone', async () => {
    const server = await serveBy('{ "$@"; echo "code $?" >&2; } | true');
    expect(await putKept(server.url)).toBe(201);
    process.kill(Number(await readFile(join(dataDir, 'LOCK'), 'utf8')), 'SIGTERM');
    await server.program.exited;
    expect(server.program.stderr).toMatch(/"msg":"stopped"}\ncode 0\n$/);
    expectCleanFolder(dataDir);
  });

  test('goes on when the reader of its log goes, and counts the lost lines in metrics', async () => {
    const server = await serveBy('exec "$@" --log-level trace');
    server.program.child.stderr?.destroy();
    server.program.child.stdout?.destroy();
    logSomething(server);
    expect(await putKept(server.url)).toBe(201);
    await expect.poll(() => linesLost(server)).toBeGreaterThan(0);
    server.program.kill('SIGTERM');
    await once(server.program.child, 'exit');
    expect(server.program.child.exitCode).toBe(0);
    expectCleanFolder(dataDir);
  });

  test('answers, and stops long before the deadline, behind a full pipe', async () => {
    const { path } = fullPipe();
    const server = await serveBy(`exec "$@" >"${path}" 2>"${path}"`);
    expect(await putKept(server.url)).toBe(201);
    logSomething(server);
    expect(await putKept(server.url)).toBe(204);
    const from = performance.now();
    await expectCleanStop(server);
    expect(performance.now() - from).toBeLessThan(8000);
  });

  test('answers and stops behind a full socket that no process reads', async () => {
    const fill = `require('net'); process.stderr; const { writeSync } = require('fs');
      let since = Date.now();
      while (Date.now() - since < 300)
        try { writeSync(2, '-'.repeat(4096)); since = Date.now(); } catch {}`;
    const port = await freePort();
    const args = ['serve', '--port', String(port), '--data-dir', dataDir, '--shards', '1'];
    const script = 'fill=$1; shift; "$1" -e "$fill"; exec "$@"';
    const child = spawn('sh', ['-c', script, 'sh', fill, process.execPath, programFile, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const url = `http://127.0.0.1:${port}`;
    const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
    await expect.poll(() => isReady().catch(() => false), { timeout: 20_000 }).toBe(true);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expectCleanFolder(dataDir);
  });

  test('writes the waiting lines once a process reads the pipe', async () => {
    const { pipe, path } = fullPipe();
    const server = await serveBy(`exec "$@" 2>"${path}"`);
    logSomething(server);
    const text = { read: '' };
    const read = (): string => {
      try {
        const bytes = Buffer.alloc(65_536);
        for (;;) text.read += bytes.toString('latin1', 0, readSync(pipe, bytes));
      } catch {
        return text.read;
      }
    };
    await expect.poll(read, { timeout: 5000 }).toContain('"msg":"');
    expect(await linesLost(server)).toBe(0);
    server.program.kill('SIGTERM');
    await expect.poll(read, { timeout: 10_000 }).toContain('"msg":"stopped"');
    for (const line of read().replace(/^-+/, '').trimEnd().split('\n')) JSON.parse(line);
  });

  test('lines of threads and of the runtime itself are as harmless, and are in the log', async () => {
    const preloaded = join(folder, 'preloaded.cjs');
    await writeFile(
      preloaded,
      `const { isMainThread } = require('node:worker_threads');
       if (!isMainThread) process.stderr.write('a thread writes\\n');
       if (!isMainThread) process.stdout.write('and prints\\n');
       process.on('SIGUSR2', () => {
         process.emitWarning('beware');
         console.error('-'.repeat(2 ** 20));
       });`,
    );
    const options = { env: { NODE_OPTIONS: `--require ${preloaded}` } };
    const readable = await serveBy('exec "$@"', options);
    await readable.program.logged(/^a thread writes$/m);
    await readable.program.printed(/^and prints$/m);
    process.kill(readable.program.pid, 'SIGUSR2');
    await readable.program.logged(/^{"level":40,.*"message":"beware".*}$/m);
    await expectCleanStop(readable);
    const { path } = fullPipe();
    for (const redirections of ['>/dev/full 2>&1', `>"${path}" 2>&1`]) {
      const server = await serveBy(`exec "$@" ${redirections}`, options);
      process.kill(server.program.pid, 'SIGUSR2');
      await expect.poll(() => linesLost(server)).toBeGreaterThan(0);
      expect(await putKept(server.url)).toBeLessThan(300);
      await expectCleanStop(server);
    }
  });

  test('does not change streams that other processes have inherited: their writes still block', async () => {
    const { path } = fullPipe();
    const server = await serveBy(`exec 3>"${path}"; "$@" 2>&3`);
    const serverPid = Number(await readFile(join(dataDir, 'LOCK'), 'utf8'));
    expect(flagsOf(server.program.pid, 3)).toBe(0);
    expect(flagsOf(serverPid, 2)).toBe(constants.O_NONBLOCK);
    process.kill(serverPid, 'SIGTERM');
    expect((await server.program.exited).code).toBe(0);
  });

  test('starts over a torn journal that it cannot report', async () => {
    const { program, url } = await serveInTest(dataDir, ['--fsync', 'never']);
    await putKept(url);
    await program.end();
    const shard = join(dataDir, 'layout-000001', 'shard-0000');
    const journals = (await readdir(shard)).filter((name) => name.startsWith('journal-'));
    const journal = join(shard, journals.toSorted().at(-1) ?? '');
    await writeFile(journal, `${(await readFile(journal, 'utf8')).trimEnd()}\n`);
    await appendFile(journal, '{"half a li');
    const server = await serveBy('exec "$@" 2>/dev/full');
    expect(await (await fetch(`${server.url}/v1/keys/kept`)).text()).toBe('kept');
    expect(await linesLost(server)).toBeGreaterThan(0);
    await expectCleanStop(server);
  });
});

async function run(script: string, args: readonly string[]) {
  const command = [process.execPath, programFile, ...args];
  const program = runInTest('sh', ['-c', script, 'sh', ...command]);
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

async function makeStore(): Promise<void> {
  const { program, url } = await serveInTest(dataDir);
  await putKept(url);
  program.kill('SIGTERM');
  await program.exited;
}

describe('a command', () => {
  const unwritable = 'holdfast: standard output cannot be written (ENOSPC)\n';

  test('whose pipe has no reader ends quietly with the code of its work', async () => {
    await makeStore();
    for (const args of [['--help'], ['--version'], ['serve', '--help'], ['dump', dataDir]]) {
      const { stderr } = await run('{ "$@"; echo $? >&2; } | true', args);
      expect([args, stderr]).toEqual([args, '0\n']);
    }
    await writeFile(join(dataDir, 'manifest.json'), '{}');
    const damaged = await run('{ "$@"; echo $? >&2; } | true', ['verify', dataDir]);
    expect(damaged.stderr).toMatch(/^holdfast: damaged in one place: [^\n]*\n1\n$/);
  });

  test('says that standard output is full, with code 1', async () => {
    await makeStore();
    for (const args of [['--help'], ['--version'], ['dump', dataDir], ['verify', dataDir]]) {
      const { code, stderr } = await run('exec "$@" >/dev/full', args);
      expect([args, code, stderr]).toEqual([args, 1, unwritable]);
    }
    const { code, stderr } = await run('exec "$@" >/dev/full', [
      'reshard',
      dataDir,
      '--shards',
      '2',
    ]);
    expect([code, stderr]).toEqual([1, unwritable]);
    expect(existsSync(join(dataDir, 'layout-000002'))).toBe(true);
  });

  test.each(['2>/dev/full', '2>&-'])('keeps its code with %s', async (redirection) => {
    await mkdir(dataDir);
    const usage = await run(`exec "$@" ${redirection}`, ['verify']);
    expect(usage).toEqual({ code: 2, stdout: '', stderr: '' });
    const failed = await run(`exec "$@" ${redirection}`, ['dump', dataDir]);
    expect(failed).toEqual({ code: 1, stdout: '', stderr: '' });
  });
});
