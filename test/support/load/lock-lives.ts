// Clients on locks while their server is killed and started again, on one data folder. Judges the history of
// the locks, and what they have guarded. Knows no test runner.
import { setTimeout as delay } from 'node:timers/promises';
import { startServer } from '../processes/server-process.ts';
import { seededRandom } from '../random.ts';
import { GuardedCounters, LockClient } from './lock-client.ts';
import { LockHistory } from './lock-history.ts';

export interface LockLivesOptions {
  readonly dataDir: string;
  readonly seed: number;
  readonly clients: number;
  /** Times that the server is killed. */
  readonly kills: number;
  readonly fsync: 'always' | 'interval' | 'never';
}

export interface LockLivesReport {
  readonly violations: readonly string[];
  readonly grants: number;
  readonly unknown: number;
  readonly counted: number;
  /** Guarded writes of holders that came too late. */
  readonly refused: number;
}

/** A life ends once its server has granted so many locks. */
const grantsInLife = { min: 10, more: 15 };
/** Past this, a server is taken to grant none at all. */
const lifeMsMax = 40_000;

/** The first one is for most clients. */
const locks = ['hot', 'a', 'b'];

export async function runLockLives(options: LockLivesOptions): Promise<LockLivesReport> {
  const { dataDir, seed, clients, kills, fsync } = options;
  const random = seededRandom(seed);
  const history = new LockHistory();
  const guarded = new GuardedCounters();
  const flags = ['--fsync', fsync, '--shards', '2', '--log-level', 'warn'];
  let isOver = false;
  let server = startServer(dataDir, flags);
  const url = async (): Promise<string> => (await server).url;
  const running = Array.from({ length: clients }, (_, number) =>
    new LockClient({
      name: `client ${number}`,
      locks,
      random: seededRandom(seed + number + 1),
      history,
      guarded,
      url,
      isOver: () => isOver,
    }).run(),
  );
  try {
    for (let kill = 0; kill < kills; kill++) {
      // oxlint-disable-next-line no-await-in-loop -- one life after the other
      await Promise.race([oneLife(history, random), ...running]);
      // oxlint-disable-next-line no-await-in-loop
      await (await server).program.end();
      server = startServer(dataDir, flags);
      // oxlint-disable-next-line no-await-in-loop
      await server;
    }
    await Promise.race([oneLife(history, random), ...running]);
    isOver = true;
    await Promise.all(running);
    const wrong = await judgeCounters(await url(), guarded);
    return {
      violations: [...history.violations(), ...wrong],
      grants: history.grants,
      unknown: history.unknown,
      counted: guarded.counted.length,
      refused: guarded.refused,
    };
  } finally {
    isOver = true;
    await (await server).program.end();
  }
}

async function oneLife(history: LockHistory, random: () => number): Promise<void> {
  const { min, more } = grantsInLife;
  const enough = history.grants + min + Math.floor(random() * more);
  const until = performance.now() + lifeMsMax;
  while (history.grants < enough) {
    if (performance.now() > until) throw new Error(`no ${enough} locks were granted in time`);
    // oxlint-disable-next-line no-await-in-loop
    await delay(10);
  }
}

/** No holder has counted behind one with a higher fence, and each count is there once. */
async function judgeCounters(
  url: string,
  { counted, unknown }: GuardedCounters,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const lock of locks) {
    const ofLock = counted.filter((one) => one.lock === lock).toSorted((a, b) => a.count - b.count);
    for (const [index, { fence, count }] of ofLock.entries()) {
      const before = ofLock[index - 1];
      if (before === undefined) continue;
      if (before.count === count) wrong.push(`${lock}: two writes have counted ${count}`);
      if (before.fence > fence) {
        wrong.push(`${lock}: the fence ${fence} has written behind ${before.fence}`);
      }
    }
    // oxlint-disable-next-line no-await-in-loop -- a few keys
    const reply = await fetch(`${url}/v1/keys/count/${lock}`);
    // oxlint-disable-next-line no-await-in-loop
    const total = reply.status === 404 ? 0 : Number(await reply.text());
    const most = ofLock.length + (unknown.get(lock) ?? 0);
    if (total < ofLock.length || total > most) {
      wrong.push(
        `${lock}: counted to ${total}; ${ofLock.length} writes were told, ${most} were sent`,
      );
    }
  }
  return wrong;
}
