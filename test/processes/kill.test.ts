// SIGKILL under load, again and again. The next start shows whether the server lost anything.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runKillLives } from '../support/load/kill-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await makeTemporaryFolder();
});

afterEach(() => removeFolder(dataDir));

test.each([
  ['always', 8],
  ['interval', 4],
  ['never', 4],
] as const)(
  'in %s, killed under load %i times, nothing acknowledged is lost and no version comes twice',
  { timeout: 180_000 },
  async (fsync, cycles) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await runKillLives({ dataDir, seed, cycles, fsync });
    const { lives, compactions, killedStarting } = report;
    const counts = JSON.stringify({ ...lives.counts, killedStarting });
    console.info(`SIGKILL in ${fsync}, seed ${seed}: ${counts}`);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
    expect(lives.counts.acknowledged).toBeGreaterThan(cycles * 50);
    expect(compactions).toBeGreaterThan(0);
  },
);
