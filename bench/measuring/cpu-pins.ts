// Decides which cores the load generator and the servers run on. Knows taskset, and no contender.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Cores in the notation of taskset; undefined for all. */
export interface CpuPins {
  readonly load: string | undefined;
  readonly servers: string | undefined;
}

export const pinModes = ['auto', 'load', 'both', 'none'] as const;
export type PinMode = (typeof pinModes)[number];

/**
 * The load generator gets the last core. With `both`, servers get the others. `auto` leaves two cores
 * to the servers at least: on one core they could not show what threads are worth.
 */
export function pinsFor(mode: PinMode, cores: number): CpuPins {
  if (mode === 'none' || cores < 2) return { load: undefined, servers: undefined };
  const last = cores - 1;
  const pinsServers = mode === 'both' || (mode === 'auto' && cores > 2);
  const others = last === 1 ? '0' : `0-${last - 1}`;
  return { load: String(last), servers: pinsServers ? others : undefined };
}

export function readPins(mode: string): CpuPins {
  const known = pinModes.find((one) => one === mode);
  if (known === undefined) {
    throw new Error(`--pin is "${mode}"; allowed: ${pinModes.join(', ')}. Nothing was measured.`);
  }
  const hasTaskset = spawnSync('taskset', ['--version']).status === 0;
  return pinsFor(hasTaskset ? known : 'none', availableParallelism());
}

/** A command line that runs another on these cores. taskset becomes the program: the id stays. */
export function pinned(cores: string | undefined, command: readonly string[]): string[] {
  return cores === undefined ? [...command] : ['taskset', '-c', cores, ...command];
}

export function describePins({ load, servers }: CpuPins): string {
  if (load === undefined) return 'no process is pinned';
  const where = servers === undefined ? 'servers on all cores' : `servers on cores ${servers}`;
  return `load generator on core ${load}, ${where}`;
}
