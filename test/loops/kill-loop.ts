// `npm run kill-loop -- --cycles N [--seed S]`: SIGKILL under load again and again. Counts
// acknowledged, lost and unknown writes. Exit code 1 if any write was lost.
import { runKillLives } from '../support/load/kill-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';
import { loopArguments } from './loop-arguments.ts';

const modes = ['always', 'interval', 'never'] as const;
const { cycles, seed } = loopArguments(1000);

console.log(`seed ${seed}; ${cycles} cycles, a third of them in each of ${modes.join(', ')}`);
for (const [index, fsync] of modes.entries()) {
  const dataDir = await makeTemporaryFolder();
  const { lives, killedStarting } = await runKillLives({
    dataDir,
    seed,
    cycles: Math.ceil((cycles - index) / modes.length),
    fsync,
    onCycle: ({ counts }) => {
      if (counts.lives % 25 === 24) console.log(`${fsync}: ${JSON.stringify(counts)}`);
    },
  });
  console.log(`${fsync}, done: ${JSON.stringify({ ...lives.counts, killedStarting })}`);
  for (const loss of lives.losses) console.log(`LOST, seed ${seed}, ${fsync}: ${loss}`);
  if (lives.losses.length > 0) {
    console.log(`the files are kept in ${dataDir}`);
    process.exitCode = 1;
  } else {
    await removeFolder(dataDir);
  }
}
