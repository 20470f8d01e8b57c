// All contenders, and the choice among them. A peer that the machine lacks is named, not left out.
import { bareFastify } from './bare-fastify.ts';
import type { Contender } from './contender.ts';
import { etcd } from './etcd.ts';
import { fastifyRedis } from './fastify-redis.ts';
import { redisBenchmark } from './redis-benchmark.ts';
import { webdis } from './webdis.ts';

export const peers: readonly Contender[] = [
  bareFastify,
  webdis,
  fastifyRedis,
  redisBenchmark,
  etcd,
];

/**
 * @param names of peers with commas between them, or `none`; undefined for all
 * @throws Error that names the peers there are
 */
export function choosePeers(names: string | undefined): readonly Contender[] {
  if (names === undefined) return peers;
  if (names === 'none') return [];
  return names.split(',').map((name) => {
    const peer = peers.find((one) => one.name === name);
    if (peer !== undefined) return peer;
    const allowed = [...peers.map((one) => one.name), 'none'].join(', ');
    throw new Error(`--peers names "${name}"; allowed: ${allowed}. Nothing was measured.`);
  });
}
