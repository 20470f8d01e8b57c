// Chooses the load of a run: wrk if it is installed, autocannon if not.
import type { Belongings } from '../measuring/belongings.ts';
import { AutocannonLoad } from './autocannon-load.ts';
import type { Load } from './load.ts';
import { WrkLoad, wrkVersion } from './wrk-load.ts';

/** @param cores to run on, as taskset names them */
export async function chooseLoad(belongings: Belongings, cores: string | undefined): Promise<Load> {
  const version = wrkVersion();
  if (version === undefined) return new AutocannonLoad(belongings, cores);
  return new WrkLoad(version, belongings, await belongings.folder(), cores);
}
