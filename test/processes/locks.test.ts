// Clients on locks, with crashes of clients and of the server.
import { expect, test } from 'vitest';
import { runLockLives } from '../support/load/lock-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

const clients = 32;

/** SIGKILL leaves to the system what was written. The simulation has the power cuts. */
test.each(['always', 'never'] as const)(
  'in %s, no two clients hold a lock, and no late one writes behind its fence',
  { timeout: 240_000 },
  async (fsync) => {
    const dataDir = await makeTemporaryFolder();
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await runLockLives({ dataDir, seed, clients, kills: 4, fsync });
    console.info(`locks in ${fsync}, seed ${seed}: ${JSON.stringify(report)}`);
    expect({ seed, violations: report.violations }).toEqual({ seed, violations: [] });
    expect(report.grants).toBeGreaterThanOrEqual(50);
    expect(report.counted).toBeGreaterThan(10);
    await removeFolder(dataDir);
  },
);
