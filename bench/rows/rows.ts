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

export const rows: readonly Row[] = [
  { ...common, name: 'get-hot', work: 'get' },
  { ...common, name: 'get-uniform', work: 'get', keys: million },
  { ...common, name: 'get-zipfian', work: 'get', keys: million, draw: 'zipfian' },
  { ...common, name: 'put-always', work: 'put' },
  { ...common, name: 'put-interval', work: 'put', fsync: 'interval' },
  { ...pipeline, name: 'pipeline-get-100', work: { command: 'get', length: 100 } },
  { ...pipeline, name: 'pipeline-set-100', work: { command: 'set', length: 100 } },
  {
    ...common,
    name: 'incr-hot',
    work: 'incr',
    keys: 1,
    fsync: 'interval',
    variant: { name: 'holdfast, 10,000 keys', keys: 10_000 },
  },
  { ...common, name: 'mix-95-5', work: { getPercent: 95 }, keys: million, fsync: 'interval' },
  { ...common, name: 'mix-50-50', work: { getPercent: 50 }, keys: million, fsync: 'interval' },
  { ...common, name: 'get-1k', work: 'get', valueBytes: 1024 },
  { ...common, name: 'put-1k', work: 'put', valueBytes: 1024 },
  { ...common, name: 'get-64k', work: 'get', keys: 1000, valueBytes: 64 * 1024 },
  { ...common, name: 'put-64k', work: 'put', keys: 1000, valueBytes: 64 * 1024 },
];

/** @throws Error that names the rows there are */
export function rowNamed(name: string): Row {
  const row = rows.find((one) => one.name === name);
  if (row !== undefined) return row;
  const allowed = rows.map((one) => one.name).join(', ');
  throw new Error(`--only names the row "${name}"; allowed: ${allowed}. Nothing was measured.`);
}

/**
 * @param only names of rows with commas between them; undefined for all
 * @throws Error that names the rows there are
 */
export function chooseRows(only: string | undefined): readonly Row[] {
  return only === undefined ? rows : only.split(',').map(rowNamed);
}
