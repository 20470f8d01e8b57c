// All rows of the bench, as data.
import type { Row } from './row.ts';

const million = 1_000_000;

const common = {
  keys: 10_000,
  draw: 'uniform',
  valueBytes: 100,
  connections: 64,
  fsync: 'always',
} as const;

const pipeline = { ...common, keys: 100_000, connections: 16, fsync: 'interval' } as const;
/** Longer pipelines on as many connections would be refused in part. */
const longPipeline = { ...pipeline, connections: 6 } as const;
const shortPipeline = { ...pipeline, connections: 64 } as const;

const withShards = (shards: number) => ['--shards', String(shards)];
const oneShard = { ...common, alone: 'holdfast, 1 shard', flags: withShards(1) } as const;
const moreShards = [2, 4, 8].map((shards) => ({
  name: `holdfast, ${shards} shards`,
  flags: withShards(shards),
}));

/** Idle connections must last as long as the row, whatever the machine's memory. */
const manyConnections = ['--connections-max', '12000', '--keep-alive-timeout-ms', '3600000'];
const noneIdle = { ...common, alone: 'holdfast, none idle', flags: manyConnections } as const;
const someIdle = [
  { name: 'holdfast, 1,000 idle', idleConnections: 1000 },
  { name: 'holdfast, 10,000 idle', idleConnections: 10_000 },
];

export const rows: readonly Row[] = [
  { ...common, name: 'get-hot', work: 'get' },
  { ...common, name: 'get-one-key', work: 'get', keys: 1 },
  { ...common, name: 'get-uniform', work: 'get', keys: million },
  { ...common, name: 'get-zipfian', work: 'get', keys: million, draw: 'zipfian' },
  { ...common, name: 'put-always', work: 'put' },
  { ...common, name: 'put-interval', work: 'put', fsync: 'interval' },
  { ...common, name: 'put-zipfian', work: 'put', keys: million, draw: 'zipfian' },
  { ...shortPipeline, name: 'pipeline-get-1', work: { command: 'get', length: 1 } },
  { ...shortPipeline, name: 'pipeline-set-1', work: { command: 'set', length: 1 } },
  { ...shortPipeline, name: 'pipeline-get-10', work: { command: 'get', length: 10 } },
  { ...shortPipeline, name: 'pipeline-set-10', work: { command: 'set', length: 10 } },
  { ...pipeline, name: 'pipeline-get-100', work: { command: 'get', length: 100 } },
  { ...pipeline, name: 'pipeline-set-100', work: { command: 'set', length: 100 } },
  { ...longPipeline, name: 'pipeline-get-1000', work: { command: 'get', length: 1000 } },
  { ...longPipeline, name: 'pipeline-set-1000', work: { command: 'set', length: 1000 } },
  {
    ...common,
    name: 'incr-hot',
    work: 'incr',
    keys: 1,
    fsync: 'interval',
    variants: [{ name: 'holdfast, 10,000 keys', keys: 10_000 }],
  },
  {
    ...common,
    name: 'mix-95-5',
    work: { getPercent: 95, rest: 'put' },
    keys: million,
    fsync: 'interval',
  },
  {
    ...common,
    name: 'mix-50-50',
    work: { getPercent: 50, rest: 'put' },
    keys: million,
    fsync: 'interval',
  },
  { ...common, name: 'list-100', work: 'list', keys: million },
  {
    ...common,
    name: 'get-list-95-5',
    work: { getPercent: 95, rest: 'list' },
    keys: million,
    alone: 'holdfast, 5 % listings',
    variants: [{ name: 'holdfast, GETs alone', work: 'get' }],
  },
  { ...common, name: 'transaction-2-shards', work: 'transaction', flags: withShards(2) },
  {
    ...common,
    name: 'get-auth',
    work: 'get',
    alone: 'holdfast, authentication on',
    isAuthenticated: true,
    variants: [{ name: 'holdfast, authentication off', isAuthenticated: false }],
  },
  { ...oneShard, name: 'get-shards', work: 'get', keys: million, variants: moreShards },
  { ...oneShard, name: 'put-shards', work: 'put', variants: moreShards },
  { ...noneIdle, name: 'get-idle', work: 'get', variants: someIdle },
  { ...noneIdle, name: 'put-idle', work: 'put', variants: someIdle },
  {
    ...common,
    name: 'get-caddy',
    work: 'get',
    alone: 'holdfast, no proxy',
    variants: [{ name: 'holdfast behind Caddy', proxy: 'caddy' }],
  },
  { ...common, name: 'get-1k', work: 'get', valueBytes: 1024 },
  { ...common, name: 'put-1k', work: 'put', valueBytes: 1024 },
  { ...common, name: 'get-64k', work: 'get', keys: 1000, valueBytes: 64 * 1024 },
  { ...common, name: 'put-64k', work: 'put', keys: 1000, valueBytes: 64 * 1024 },
];

/**
 * @param others names that the caller allows, too
 * @throws Error that names the rows there are
 */
export function rowNamed(name: string, others: readonly string[] = []): Row {
  const row = rows.find((one) => one.name === name);
  if (row !== undefined) return row;
  const allowed = [...rows.map((one) => one.name), ...others].join(', ');
  throw new Error(`--only names "${name}"; allowed: ${allowed}. Nothing was measured.`);
}

/**
 * @param only names of rows with commas between them; undefined for all
 * @throws Error that names the rows there are
 */
export function chooseRows(only: string | undefined): readonly Row[] {
  return only === undefined ? rows : only.split(',').map((name) => rowNamed(name));
}
