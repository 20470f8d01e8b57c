// Searches for one planted bug: runs simulations of the program with the bug, in a process of their
// own.
import { execFile } from 'node:child_process';
import { programFolder } from '../../src/base/program-folder.ts';
import type { PlantedBug } from './planted-bugs.ts';

const folder = `${programFolder}/dist/test/simulation`;

export interface PlantedBugSearch {
  /** The seed that showed the bug; undefined if none did. */
  readonly seed: number | undefined;
  readonly output: string;
}

/**
 * Needs the compiled program and the compiled simulation.
 *
 * @param firstSeed the first of the bug's `seedsMax` seeds; its own one if there is none
 */
export async function searchPlantedBug(
  { name, seedsMax, scenario = 'engine', ...bug }: PlantedBug,
  firstSeed = bug.firstSeed ?? 1,
): Promise<PlantedBugSearch> {
  const options = ['--import', `${folder}/plant-bug.js`, `${folder}/simulate.js`];
  const first = ['--first', String(firstSeed)];
  const seeds = ['--scenario', scenario, ...first, '--runs', String(seedsMax)];
  const output = await new Promise<string>((resolve) => {
    const env = { ...process.env, PLANTED_BUG: name };
    execFile(process.execPath, [...options, ...seeds], { env }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
  const shown = /^seed (\d+) shows: /m.exec(output)?.[1];
  return { seed: shown === undefined ? undefined : Number(shown), output };
}
