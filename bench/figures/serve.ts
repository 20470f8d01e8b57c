// Starts a server on a folder, times the start, and stops it as an operator does.
import { join } from 'node:path';
import {
  programFile,
  urlOf,
  type ProgramProcess,
} from '../../test/support/processes/server-process.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import { median } from '../median.ts';
import type { PartRun } from './figure.ts';

export interface Serving {
  readonly program: ProgramProcess;
  readonly url: string;
  /** From the start of the process until the first 200 of /readyz. */
  readonly startMs: number;
}

export async function serve(
  dataDir: string,
  { belongings, pins }: Pick<PartRun, 'belongings' | 'pins'>,
  flags: readonly string[] = ['--fsync', 'interval'],
): Promise<Serving> {
  const begun = performance.now();
  const own = ['--port', '0', '--data-dir', dataDir];
  const command = [process.execPath, programFile, 'serve', ...own, ...flags];
  const program = belongings.start(pinned(pins.servers, command));
  const url = await urlOf(program);
  const { status } = await fetch(`${url}/readyz`);
  if (status !== 200) throw new Error(`/readyz answered ${status}`);
  return { program, url, startMs: performance.now() - begun };
}

/** Stops it by SIGTERM. */
export async function stop({ program }: Serving): Promise<void> {
  program.kill('SIGTERM');
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`a stop ended with ${code}:\n${program.stderr}`);
}

/**
 * Starts a server several times, and stops it.
 *
 * @param folderFor gives the data folder of each start
 * @param read a figure of the server that has just started
 * @returns medians
 */
export async function timeStarts(
  run: PartRun,
  folderFor: () => Promise<string>,
  read: (serving: Serving) => number,
): Promise<number> {
  const values: number[] = [];
  for (let nth = 0; nth < run.starts; nth++) {
    const serving = await serve(await folderFor(), run);
    values.push(read(serving));
    await stop(serving);
  }
  return median(values);
}

/** A folder without a store. */
export async function emptyFolder({ belongings }: PartRun): Promise<string> {
  return join(await belongings.folder(), 'data');
}
