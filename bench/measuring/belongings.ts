// Owns all that a run has started or made: processes and folders. Ends them in reverse order when the
// run ends, fails, is interrupted or takes too long.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  makeTemporaryFolder,
  ProgramProcess,
  removeFolder,
  type ProgramOptions,
} from '../../test/support/processes/server-process.ts';

type End = () => Promise<unknown>;

export class Belongings {
  readonly #ends = new Set<End>();
  #ending: Promise<void> | undefined;

  /**
   * @param end is called once at most
   * @returns ends this one now
   * @throws Error if all has been ended; `end` is called then, too
   */
  add(end: End): End {
    if (this.#ending !== undefined) {
      void end();
      throw new Error('the run has ended');
    }
    this.#ends.add(end);
    return async () => {
      if (this.#ends.delete(end)) await end();
    };
  }

  /**
   * Ends all, the last one first.
   *
   * @throws Error of the first one that could not be ended; the others have been
   */
  end(): Promise<void> {
    this.#ending ??= this.#endAll();
    return this.#ending;
  }

  async #endAll(): Promise<void> {
    const faults: unknown[] = [];
    for (const end of [...this.#ends].toReversed()) {
      await end().catch((fault: unknown) => faults.push(fault));
    }
    if (faults.length > 0) throw faults[0];
  }

  async folder(): Promise<string> {
    const folder = await makeTemporaryFolder();
    this.add(() => removeFolder(folder));
    return folder;
  }

  /** Starts a process that runs until it is ended. */
  start(command: readonly string[], options?: ProgramOptions): ProgramProcess {
    const [program = '', ...args] = command;
    const started = new ProgramProcess(program, args, options);
    this.add(() => started.end());
    return started;
  }

  /**
   * Runs a program to its end.
   *
   * @returns its standard output
   * @throws Error with its output if it fails
   */
  async run(command: readonly string[], { cwd }: { cwd?: string } = {}): Promise<string> {
    const [program = '', ...args] = command;
    // It leads a group, so that its children end with it.
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    const end = this.add(async () => {
      if (child.exitCode === null && child.pid !== undefined) killGroup(child.pid);
      await closed.catch(() => undefined);
    });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    try {
      const [code] = await closed;
      if (code !== 0)
        throw new Error(`${command.join(' ')} ended with ${code}\n${output}${errors}`);
      return output;
    } finally {
      await end();
    }
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // No process of the group is left.
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does work, and ends all that belongs to it, also if the work fails or takes longer than `limitMs`.
 *
 * @param outer the run that this work is a part of; its end is the end of this work, too
 * @throws Error of the work, or one that says why it was cut short
 */
export async function withBelongings<T>(
  limitMs: number,
  work: (belongings: Belongings) => Promise<T>,
  outer?: Belongings,
): Promise<T> {
  const belongings = new Belongings();
  const release = outer?.add(() => belongings.end());
  const stop = new AbortController();
  const interrupt = (signal: string) => stop.abort(new Error(`interrupted by ${signal}`));
  // The outermost run ends all.
  const heard = outer === undefined ? signals : [];
  for (const signal of heard) process.on(signal, interrupt);
  const timer = setTimeout(() => stop.abort(new Error(`not done after ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work(belongings), abortOf(stop.signal)]);
  } finally {
    clearTimeout(timer);
    await (release === undefined ? belongings.end() : release());
    for (const signal of heard) process.off(signal, interrupt);
  }
}

/** @returns a promise that rejects with the reason once the signal is aborted */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Runs the program of a script, and ends the process even if cut work is still under way. */
export async function runScript(work: () => Promise<void>): Promise<never> {
  try {
    await work();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
