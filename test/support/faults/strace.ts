// Injects faults into system calls with strace, into a program from its start or into a running
// process. strace counts the calls of each thread.
import { ProgramProcess } from '../processes/server-process.ts';

export interface Injection {
  /** Only calls that touch one of these files. The files need not exist yet. */
  readonly paths: readonly string[];
  readonly calls: string;
  /** In the syntax of strace: `error=EIO`, `signal=KILL:when=3`. */
  readonly fault: string;
}

function straceArguments({ paths, calls, fault }: Injection): string[] {
  const filters = paths.flatMap((path) => ['-P', path]);
  const what = ['-e', `trace=${calls}`, '-e', `inject=${calls}:${fault}`];
  return ['-f', '-qq', '-o', '/dev/null', ...filters, ...what];
}

/** `end` of the process ends its group: strace and the program. */
export function startInjected(args: readonly string[], injection: Injection): ProgramProcess {
  const traced = [...straceArguments(injection), process.execPath, ...args];
  return new ProgramProcess('strace', traced, { detached: true });
}

/** A fault in a running process, until the test lifts it. */
export class InjectedFault {
  readonly #strace: ProgramProcess;

  private constructor(strace: ProgramProcess) {
    this.#strace = strace;
  }

  static async into(pid: number, injection: Injection): Promise<InjectedFault> {
    const args = straceArguments(injection).filter((arg) => arg !== '-qq');
    const strace = new ProgramProcess('strace', [...args, '-p', String(pid)]);
    await strace.logged(/attached/);
    return new InjectedFault(strace);
  }

  async lift(): Promise<void> {
    this.#strace.kill('SIGINT');
    await this.#strace.exited;
  }
}
