// Resident memory of an entry of 100 bytes, after loading and after a restart, beside Redis. Memory of a
// server without entries is taken off.
import { residentMiB } from '../../test/support/processes/process-facts.ts';
import { fillHoldfast } from '../contenders/holdfast.ts';
import { firstMissing } from '../contenders/installed.ts';
import { startRedis } from '../contenders/redis.ts';
import { fillLimitMs, type Figure, type Part, type PartRun } from './figure.ts';
import { emptyFolder, serve, stop, timeStarts, type Serving } from './serve.ts';

const valueBytes = 100;
const mebi = 1024 * 1024;

const residentOf = ({ program }: Serving): number => residentMiB(program.pid);

async function holdfastMiB(run: PartRun) {
  run.tell('memory: Holdfast');
  const emptyMiB = await timeStarts(run, () => emptyFolder(run), residentOf);
  const folder = await emptyFolder(run);
  const first = await serve(folder, run);
  await fillHoldfast(first.url, 0, run.entries, valueBytes);
  const loadedMiB = residentOf(first);
  await stop(first);
  const restartedMiB = await timeStarts(run, () => Promise.resolve(folder), residentOf);
  return { emptyMiB, loadedMiB, restartedMiB };
}

/** @returns bytes of an entry after loading */
async function redisBytes({ entries, belongings, pins, tell }: PartRun): Promise<number> {
  tell('memory: Redis');
  const redis = await startRedis({ fsync: 'interval' }, { belongings, pins });
  const emptyMiB = residentMiB(redis.pid);
  await redis.fill(0, entries, valueBytes);
  return ((residentMiB(redis.pid) - emptyMiB) * mebi) / entries;
}

export const memory: Part = {
  name: 'memory',
  limitMs: ({ entries, starts }) => 3 * fillLimitMs(entries) + 2 * starts * 30_000,
  measure: async (run) => {
    const { emptyMiB, loadedMiB, restartedMiB } = await holdfastMiB(run);
    const why = firstMissing('redis-server');
    const redis = why === undefined ? await redisBytes(run) : undefined;
    const of = `of an entry, ${run.entries} entries`;
    const figuresOf = (when: string, residentNow: number, most: number): Figure[] => {
      const value = ((residentNow - emptyMiB) * mebi) / run.entries;
      const ratio: Figure = {
        name: `memory of an entry ${when}, times that of Redis`,
        value: redis === undefined ? undefined : value / redis,
        unit: '',
        digits: 2,
        target: { side: 'most', value: most },
        ...(why !== undefined && { note: why }),
      };
      return [{ name: `memory ${of}, ${when}`, value, unit: 'B' }, ratio];
    };
    return [
      ...figuresOf('after a restart', restartedMiB, 1.2),
      ...figuresOf('after loading', loadedMiB, 2),
      {
        name: `memory ${of}, Redis after loading`,
        value: redis,
        unit: 'B',
        ...(why !== undefined && { note: why }),
      },
      { name: 'memory of a server without entries', value: emptyMiB, unit: 'MiB' },
    ];
  },
};
