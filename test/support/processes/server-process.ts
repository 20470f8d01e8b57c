// Runs the real, compiled program as users do, in a process of its own. Stops or kills it by its
// id. Knows the command line and the start line, and no route.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programFolder } from '../../../src/base/program-folder.ts';
import { transportFlags } from '../http/transport.ts';

/** A line that a test waits for must come within this time. */
const printDeadlineMs = 25_000;

export const programFile = join(programFolder, 'dist', 'program', 'main.js');

/** The exit code or signal of a process. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ProgramOptions {
  /** Variables to add to an environment without any HOLDFAST_ variable. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** True: the process leads a process group of its own, as under a terminal. */
  readonly detached?: boolean;
}

/** A process that a test has started, with all its output so far. */
export class ProgramProcess {
  readonly child: ChildProcess;
  /** Resolves when the process has ended and all its output has been read. */
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  readonly #detached: boolean;

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { env, cwd, detached = false } = options;
    this.child = spawn(command, args, {
      cwd,
      detached,
      env: { ...environmentWithoutSettings(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#detached = detached;
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = this.#waitForExit();
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error('the program could not be started');
    return pid;
  }

  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1' | 'SIGKILL'): void {
    this.child.kill(signal);
  }

  /**
   * For `afterEach`. Ends the process if it still runs, and its group if it leads one. Waits for
   * the end.
   */
  async end(): Promise<void> {
    if (this.#detached) killGroup(this.pid);
    this.kill('SIGKILL');
    await this.exited;
  }

  /** Waits until standard output matches. Fails if the process ends first, or after too long. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matched('stdout', pattern);
  }

  /** The same for standard error, which has the log. */
  logged(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matched('stderr', pattern);
  }

  async #matched(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(printDeadlineMs);
    const ended = this.exited.then(() => 'ended' as const);
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      const data = this.#moreOf(stream, signal);
      if ((await Promise.race([data, ended])) !== 'ended' || pattern.test(this[stream])) continue;
      throw new Error(`ended before it printed ${pattern}:\n${this.stdout}${this.stderr}`);
    }
  }

  async #moreOf(stream: 'stdout' | 'stderr', signal: AbortSignal): Promise<void> {
    const readable = this.child[stream];
    if (readable === null) throw new Error(`${stream} is not read`);
    await once(readable, 'data', { signal });
  }

  async #waitForExit(): Promise<Exit> {
    const [code, signal] = await once(this.child, 'close');
    return { code, signal };
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // No process of the group is left.
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The environment of the tests, without any HOLDFAST_ variable. */
export function environmentWithoutSettings(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
  return Object.fromEntries(kept);
}

/** Runs the program to its end, for commands that end by themselves. */
export async function runToEnd(
  args: readonly string[],
  options?: ProgramOptions,
): Promise<Exit & { stdout: string; stderr: string }> {
  const program = new ProgramProcess(process.execPath, [programFile, ...args], options);
  const exit = await program.exited;
  return { ...exit, stdout: program.stdout, stderr: program.stderr };
}

/**
 * The same, with no room for files of more than 512 bytes. Node reports it as EFBIG, which the
 * program takes for a full disk.
 */
export async function runWithoutRoom(
  args: readonly string[],
): Promise<Exit & { stdout: string; stderr: string }> {
  const words = ['-c', 'ulimit -f 1; exec "$@"', 'sh', process.execPath, programFile, ...args];
  const program = new ProgramProcess('sh', words);
  const exit = await program.exited;
  return { ...exit, stdout: program.stdout, stderr: program.stderr };
}

export interface ServerProcess {
  readonly program: ProgramProcess;
  /** The server's address, without a slash at the end. */
  readonly url: string;
}

/** Starts `holdfast serve` on a free port, and waits until it serves. */
export async function startServer(
  dataDir: string,
  flags: readonly string[] = [],
  options?: ProgramOptions,
): Promise<ServerProcess> {
  const own = ['--port', '0', '--data-dir', dataDir, ...transportFlags];
  const args = [programFile, 'serve', ...own, ...flags];
  const program = new ProgramProcess(process.execPath, args, options);
  return { program, url: await urlOf(program) };
}

/** The address in the start line of a serving program. */
export async function urlOf(program: ProgramProcess): Promise<string> {
  try {
    const [, url = ''] = await program.printed(/ listens on (https?:\/\/\S+)\n/);
    return url;
  } catch (error) {
    await program.end();
    throw error;
  }
}

/** Makes a new empty folder. */
export function makeTemporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-'));
}

export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
