// `npm run stop-loop -- --cycles N [--seed S]`: SIGTERM under load again and again. Exit code 1 if
// a server did not stop cleanly, or if any write was lost.
import { runStopLives } from '../support/load/stop-lives.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';
import { loopArguments } from './loop-arguments.ts';

const { cycles, seed } = loopArguments(200);

console.log(`seed ${seed}; ${cycles} cycles`);
const dataDir = await makeTemporaryFolder();
const { lives, exits, slowestMs } = await runStopLives({
  dataDir,
  seed,
  cycles,
  fsync: 'always',
  onCycle: ({ counts }) => {
    if (counts.lives % 25 === 24) console.log(JSON.stringify(counts));
  },
});
const unclean = exits.filter(({ code }) => code !== 0);
console.log(`done: ${JSON.stringify({ ...lives.counts, stops: exits.length, slowestMs })}`);
for (const exit of unclean) console.log(`UNCLEAN, seed ${seed}: ${JSON.stringify(exit)}`);
for (const loss of lives.losses) console.log(`LOST, seed ${seed}: ${loss}`);
if (lives.losses.length + unclean.length > 0) {
  console.log(`the files are kept in ${dataDir}`);
  process.exitCode = 1;
} else {
  await removeFolder(dataDir);
}
