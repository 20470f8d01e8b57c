// Stops a process with all its threads. System calls in progress end first.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

function stateOfThread(pid: number, thread: string): string {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '?';
}

/** Resolves when no thread of the process runs or is in the kernel. */
export async function stopInItsTracks(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const isStopped = (): boolean =>
    readdirSync(`/proc/${pid}/task`).every((thread) => stateOfThread(pid, thread) === 'T');
  while (!isStopped()) await delay(1);
}
