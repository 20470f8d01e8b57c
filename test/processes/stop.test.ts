// SIGTERM under load, again and again, with idle connections and half-sent requests.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runStopLives } from '../support/load/stop-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

const cycles = 6;
/** The default of `shutdownDeadlineMs`. */
const deadlineMs = 9000;

let dataDir: string;

beforeEach(async () => {
  dataDir = await makeTemporaryFolder();
});

afterEach(() => removeFolder(dataDir));

test(
  `told to stop under load ${cycles} times, it exits with 0 in time and loses nothing acknowledged`,
  { timeout: 180_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await runStopLives({ dataDir, seed, cycles, fsync: 'always' });
    const { lives, exits, slowestMs } = report;
    console.info(`SIGTERM, seed ${seed}: ${JSON.stringify({ ...lives.counts, slowestMs })}`);
    expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })));
    expect(exits).toHaveLength(cycles);
    expect(slowestMs).toBeLessThan(deadlineMs);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
    expect(lives.counts.acknowledged).toBeGreaterThan(cycles * 50);
  },
);
