// The entries that a start reads in a second: after SIGTERM, less the time of an empty start; and after
// SIGKILL, from journals and from snapshots. The files are in the system's cache, as after the crash of
// a process. A cold disk adds the time to read them.
import { setTimeout as delay } from 'node:timers/promises';
import { fillHoldfast } from '../contenders/holdfast.ts';
import { median } from '../median.ts';
import { fillLimitMs, type Part, type PartRun } from './figure.ts';
import { readMetrics } from './metrics.ts';
import { emptyFolder, serve, stop, timeStarts } from './serve.ts';

const valueBytes = 100;
const neverCompact = ['--compact-journal-bytes', '1024GiB'];
const compactSoon = ['--compact-journal-bytes', '64KiB'];
const compactionDeadlineMs = 120_000;

export const recovery: Part = {
  name: 'recovery',
  limitMs: ({ entries, starts }) => 2 * fillLimitMs(entries) + 2 * starts * 30_000,
  measure: async (run) => {
    run.tell('recovery: empty starts');
    const emptyMs = await timeStarts(
      run,
      () => emptyFolder(run),
      (serving) => serving.startMs,
    );
    run.tell(`recovery: ${run.entries} entries`);
    const folder = await emptyFolder(run);
    const filled = await serve(folder, run);
    await fillHoldfast(filled.url, 0, run.entries, valueBytes);
    await stop(filled);
    const fullMs = await timeStarts(
      run,
      () => Promise.resolve(folder),
      (serving) => serving.startMs,
    );
    const readMs = fullMs - emptyMs;
    const isClear = readMs > 0;
    return [
      { name: `start with ${run.entries} entries after SIGTERM`, value: fullMs, unit: 'ms' },
      {
        name: 'recovery after SIGTERM, less an empty start',
        value: isClear ? run.entries / (readMs / 1000) : undefined,
        unit: 'entries/s',
        target: { side: 'least', value: 1_000_000 },
        ...(!isClear && { note: 'the start took no longer than an empty one' }),
      },
    ];
  },
};

async function startsAfterKill(folder: string, run: PartRun): Promise<number> {
  const times: number[] = [];
  for (let nth = 0; nth < run.starts; nth++) {
    const { program, startMs } = await serve(folder, run, neverCompact);
    await program.end();
    times.push(startMs);
  }
  return median(times);
}

/** Writes a little at a time until every shard has been compacted once. */
async function compact(folder: string, run: PartRun): Promise<void> {
  const { program, url } = await serve(folder, run, compactSoon);
  const deadline = performance.now() + compactionDeadlineMs;
  while (performance.now() < deadline) {
    const { shards, compactionsCompleted, compactionsRunning } = await readMetrics(url);
    if (compactionsCompleted >= shards && compactionsRunning === 0) return await program.end();
    await fillHoldfast(url, 0, 100, valueBytes);
    await delay(100);
  }
  throw new Error('the shards were not compacted in time');
}

export const recoveryAfterKill: Part = {
  name: 'recovery-kill',
  limitMs: ({ entries, starts }) =>
    2 * fillLimitMs(entries) + compactionDeadlineMs + 2 * starts * 30_000,
  measure: async (run) => {
    run.tell(`recovery-kill: ${run.entries} entries`);
    const folder = await emptyFolder(run);
    const filled = await serve(folder, run, neverCompact);
    await fillHoldfast(filled.url, 0, run.entries, valueBytes);
    await filled.program.end();
    const journalsMs = await startsAfterKill(folder, run);
    run.tell('recovery-kill: compacts');
    await compact(folder, run);
    const snapshotsMs = await startsAfterKill(folder, run);
    const name = `start with ${run.entries} entries after SIGKILL`;
    return [
      { name: `${name}, from journals`, value: journalsMs, unit: 'ms' },
      { name: `${name}, from snapshots`, value: snapshotsMs, unit: 'ms' },
    ];
  },
};
