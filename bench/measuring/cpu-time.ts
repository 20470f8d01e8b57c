// Reads from the system how much CPU processes have taken.
import { readFileSync } from 'node:fs';

/** The system counts in hundredths of a second. */
const microsecondsPerTick = 10_000;

/**
 * @param stat the text of /proc/PID/stat
 * @returns ticks of all threads, and of ended children
 */
export function ticksIn(stat: string): number {
  // The name of the program comes before, in parentheses, and may have spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

/** Microseconds of CPU that processes have taken so far, in all their threads. */
export function cpuMicrosecondsOf(pids: readonly number[]): number {
  const ticks = pids.map((pid) => ticksIn(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  return ticks.reduce((sum, one) => sum + one, 0) * microsecondsPerTick;
}
