// Runs servers and ends them by SIGKILL, some of them during the start.
import { setTimeout as delay } from 'node:timers/promises';
import { programFile, ProgramProcess } from '../processes/server-process.ts';
import { runServerLives, type ServerLivesOptions, type ServerLivesReport } from './server-lives.ts';

const startingShare = 0.2;
const startMsMax = 800;
const killDelayMsMax = 20;

export async function runKillLives(
  options: Omit<ServerLivesOptions, 'beforeStart' | 'end'>,
): Promise<ServerLivesReport & { killedStarting: number }> {
  let killedStarting = 0;
  const report = await runServerLives({
    ...options,
    beforeStart: async (flags, random) => {
      if (random() >= startingShare) return;
      killedStarting += 1;
      await killStarting(options.dataDir, flags, random() * startMsMax);
    },
    end: async ({ program }, random) => {
      await delay(random() * killDelayMsMax);
      await program.end();
    },
  });
  return { ...report, killedStarting };
}

async function killStarting(
  dataDir: string,
  flags: readonly string[],
  afterMs: number,
): Promise<void> {
  const args = [programFile, 'serve', '--port', '0', '--data-dir', dataDir, ...flags];
  const program = new ProgramProcess(process.execPath, args);
  await Promise.race([delay(afterMs), program.exited]);
  await program.end();
}
