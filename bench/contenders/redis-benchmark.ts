// Redis under its own load generator, as a contender for pipelines: no HTTP is between them.
import { redisBenchmarkLoad } from '../loads/redis-benchmark-load.ts';
import { isPipeline, writesValues } from '../rows/row.ts';
import { restDialect } from '../rows/request-template.ts';
import type { Contender, Running } from './contender.ts';
import { firstMissing, redisServerVersion, versionOf } from './installed.ts';
import { startRedis } from './redis.ts';

/** The keys of `redis-benchmark -r`. */
const benchmarkKey = (index: number): string => `key:${String(index).padStart(12, '0')}`;

export const redisBenchmark: Contender = {
  name: 'redis-benchmark',
  missing: () => firstMissing('redis-server', 'redis-benchmark'),
  versions: () => {
    const version = versionOf('redis-benchmark', '--version', /redis-benchmark (\S+)/);
    return `redis-benchmark ${version}, redis-server ${redisServerVersion()}`;
  },
  takes: ({ work }) => isPipeline(work),
  start: async (row, { belongings, pins }): Promise<Running> => {
    if (!isPipeline(row.work)) throw new Error(`redis-benchmark does not take ${row.name}`);
    const redis = await startRedis(row, { belongings, pins });
    return {
      url: `redis://127.0.0.1:${redis.port}`,
      pids: [redis.pid],
      settings: redis.settings,
      dialect: restDialect,
      fill: (from, to, valueBytes) => redis.fill(from, to, valueBytes, benchmarkKey),
      read: (key) => redis.read(benchmarkKey(Number(key.replace(/^\D+/, '')))),
      // It writes random bytes.
      ...(writesValues(row.work) && {
        isOwnValue: (value: string) => value.length === row.valueBytes,
      }),
      load: redisBenchmarkLoad(belongings, { port: redis.port, cores: pins.load }, row.work),
    };
  },
};
