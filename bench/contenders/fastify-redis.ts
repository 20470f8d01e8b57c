// A fastify server in front of Redis, as a contender: the usual way to put Redis behind HTTP in Node.
import { join } from 'node:path';
import { programFolder } from '../../src/base/program-folder.ts';
import { urlOf } from '../../test/support/processes/server-process.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import { restDialect } from '../rows/request-template.ts';
import { isPlain } from '../rows/row.ts';
import type { Contender, Running } from './contender.ts';
import { firstMissing, packageVersionIn, redisServerVersion } from './installed.ts';
import { startRedis } from './redis.ts';

export const fastifyRedis: Contender = {
  name: 'fastify-redis',
  missing: () => firstMissing('redis-server'),
  versions: () => {
    const fastify = packageVersionIn(programFolder, 'fastify');
    return `fastify ${fastify}, redis-server ${redisServerVersion()}`;
  },
  takes: ({ work }) => isPlain(work),
  start: async (row, place): Promise<Running> => {
    const redis = await startRedis(row, place);
    const program = join(import.meta.dirname, 'fastify-redis-server.js');
    const command = [process.execPath, program, String(redis.port)];
    const server = place.belongings.start(pinned(place.pins.servers, command));
    return {
      url: await urlOf(server),
      pids: [server.pid, redis.pid],
      settings: `one connection, commands of one turn in one write; Redis: ${redis.settings}`,
      dialect: restDialect,
      fill: (from, to, valueBytes) => redis.fill(from, to, valueBytes),
      read: (key) => redis.read(key),
    };
  },
};
