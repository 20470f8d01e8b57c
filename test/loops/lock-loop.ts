// `npm run lock-loop -- --cycles N [--seed S]`: 32 clients on locks, with crashes of clients, and N servers
// that end by SIGKILL. Counts grants. Exit code 1 if the history of the locks has no explanation, a fence
// came twice, or a late holder has written.
import { runLockLives } from '../support/load/lock-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';
import { loopArguments } from './loop-arguments.ts';

const modes = ['always', 'interval', 'never'] as const;
const clients = 32;
/** Longer histories take the checker longer. */
const killsInRun = 10;
const { cycles, seed } = loopArguments(100);

console.log(
  `seed ${seed}; ${cycles} servers killed, a third of them in each of ${modes.join(', ')}`,
);
let killed = 0;
for (let run = 0; killed < cycles; run++) {
  const fsync = modes[run % modes.length] ?? 'always';
  const kills = Math.min(killsInRun, cycles - killed);
  const dataDir = await makeTemporaryFolder();
  const runSeed = seed + run;
  const report = await runLockLives({ dataDir, seed: runSeed, clients, kills, fsync });
  killed += kills;
  const { violations, ...counts } = report;
  console.log(`${killed} killed, ${fsync}, seed ${runSeed}: ${JSON.stringify(counts)}`);
  for (const violation of violations) console.log(`WRONG, seed ${runSeed}, ${fsync}: ${violation}`);
  if (violations.length > 0) process.exitCode = 1;
  await removeFolder(dataDir);
}
