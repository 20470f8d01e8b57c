// Faults in system calls, by strace: injected into a program from its start, or into a process that
// runs. strace counts calls a thread.
import { ProgramProcess } from '../processes/server-process.ts';

export interface Injection {
  /** Calls that touch one of these only. They need not exist yet. */
  readonly paths: readonly string[];
  readonly calls: string;
  /** As strace spells it: `error=EIO`, `signal=KILL:when=3`. */
  readonly fault: string;
}

function straceArguments({ paths, calls, fault }: Injection): string[] {
  const filters = paths.flatMap((path) => ['-P', path]);
  const what = ['-e', `trace=${calls}`, '-e', `inject=${calls}:${fault}`];
  return ['-f', '-qq', '-o', '/dev/null', ...filters, ...what];
}

/** Ends with its group, strace and program. */
export function startInjected(args: readonly string[], injection: Injection): ProgramProcess {
  const traced = [...straceArguments(injection), process.execPath, ...args];
  return new ProgramProcess('strace', traced, { detached: true });
}

/** A fault in a process that runs, until it is lifted. */
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
