// webdis in front of Redis, as a contender: HTTP in C, with the settings of its example file.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/processes/process-facts.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { Dialect } from '../rows/request-template.ts';
import { isPlain } from '../rows/row.ts';
import type { Contender, Running } from './contender.ts';
import { firstMissing, packageVersion, redisServerVersion } from './installed.ts';
import { startRedis } from './redis.ts';

/** Replies to GET are the bare value, as those of Holdfast are. */
const dialect: Dialect = {
  get: { method: 'GET', path: '/GET/$key.txt', returnsValue: true },
  put: { method: 'PUT', path: '/SET/$key', body: '$value' },
  incr: { method: 'GET', path: '/INCR/$key' },
};

const threads = 5;
const poolSize = 20;
const startTries = 200;

async function waitFor(url: string): Promise<void> {
  for (let tries = 0; tries < startTries; tries++) {
    const reply = await fetch(`${url}/PING`).catch(() => undefined);
    if (reply?.ok === true) return;
    await delay(25);
  }
  throw new Error(`webdis does not answer at ${url}`);
}

export const webdis: Contender = {
  name: 'webdis',
  missing: () => firstMissing('redis-server', 'webdis'),
  versions: () => `webdis ${packageVersion('webdis')}, redis-server ${redisServerVersion()}`,
  takes: ({ work }) => isPlain(work) || work === 'incr',
  start: async (row, place): Promise<Running> => {
    const redis = await startRedis(row, place);
    const [folder, port] = [await place.belongings.folder(), await freePort()];
    const file = join(folder, 'webdis.json');
    const settings = {
      redis_host: '127.0.0.1',
      redis_port: redis.port,
      http_host: '127.0.0.1',
      http_port: port,
      threads,
      pool_size: poolSize,
      daemonize: false,
      websockets: false,
      database: 0,
      verbosity: 1,
      logfile: join(folder, 'webdis.log'),
    };
    await writeFile(file, JSON.stringify(settings));
    const program = place.belongings.start(pinned(place.pins.servers, ['webdis', file]));
    const url = `http://127.0.0.1:${port}`;
    await waitFor(url);
    return {
      url,
      pids: [program.pid, redis.pid],
      settings: `${threads} threads, pool of ${poolSize}; Redis: ${redis.settings}`,
      dialect,
      fill: (from, to, valueBytes) => redis.fill(from, to, valueBytes),
      read: (key) => redis.read(key),
    };
  },
};
