// Starts a round of load (load.ts) and formats its figures, for one round and for several.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from './median.ts';
import type { LoadKind } from './workload.ts';

export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of one core that the load generator itself used. */
  readonly clientCpu: number;
}

/** Number of rounds of each kind, and their length. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
}

export async function loadRound(
  url: string,
  kind: LoadKind,
  seconds: number,
  seed: number,
  token?: string,
): Promise<LoadFigures> {
  const program = join(import.meta.dirname, 'load.js');
  const numbers = [String(seconds), String(seed)];
  const args = [program, url, JSON.stringify(kind), ...numbers];
  // Not an argument: other users of the machine can see a command line.
  const env = { ...process.env, ...(token === undefined ? {} : { LOAD_TOKEN: token }) };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  const figures: LoadFigures = JSON.parse(stdout);
  return figures;
}

export function medianRate(rounds: readonly LoadFigures[]): number {
  return median(rounds.map((one) => one.requestsPerSecond));
}

/** Latencies, the load generator's share of a core, and the spread of the rounds. */
export function cellsOf(rounds: readonly LoadFigures[]): string[] {
  const rates = rounds.map((one) => Math.round(one.requestsPerSecond));
  const medianOf = (figure: (one: LoadFigures) => number) => median(rounds.map(figure));
  return [
    String(medianOf((one) => one.p50Ms)).padStart(7),
    String(medianOf((one) => one.p99Ms)).padStart(7),
    `${Math.round(100 * medianOf((one) => one.clientCpu))} %`.padStart(7),
    `${Math.min(...rates)}-${Math.max(...rates)}`.padStart(14),
  ];
}
