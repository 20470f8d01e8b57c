// The requests of the load. They draw their keys evenly from a seeded stream. So there is no hot
// key, and runs can be repeated.

export const workloadKinds = ['get', 'put', 'batch'] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

export const pipelineCommands = ['set', 'get'] as const;

/** Requests of so many equal commands, in the protocol of Upstash. */
export interface PipelineKind {
  readonly command: (typeof pipelineCommands)[number];
  readonly length: number;
}

export type LoadKind = WorkloadKind | PipelineKind;

export interface BenchRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export const keyCount = 10_000;
export const valueBytes = 100;
export const batchOperations = 100;

export function keyOf(index: number): string {
  return `key-${String(index).padStart(8, '0')}`;
}

/** 100 bytes that differ from key to key, as real values do. */
export function valueOf(index: number): string {
  return `value-${index}-`.padEnd(valueBytes, 'holdfast ');
}

/** mulberry32: small, fast, and good enough to choose keys. */
export function randomStream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function putBatch(indexes: readonly number[]): BenchRequest {
  const operations = indexes.map((index) => ({
    op: 'put',
    key: keyOf(index),
    value: valueOf(index),
  }));
  return {
    method: 'POST',
    path: '/v1/batch',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ operations }),
  };
}

/** Requests that write every key of a range once. */
export function fillRequests(from: number, to: number, operationsEach: number): BenchRequest[] {
  const requests: BenchRequest[] = [];
  for (let start = from; start < to; start += operationsEach) {
    const length = Math.min(operationsEach, to - start);
    requests.push(putBatch(Array.from({ length }, (_, offset) => start + offset)));
  }
  return requests;
}

function pipeline({ command, length }: PipelineKind, drawIndex: () => number): BenchRequest {
  const commands = Array.from({ length }, () => {
    const index = drawIndex();
    return command === 'set' ? ['set', keyOf(index), valueOf(index)] : ['get', keyOf(index)];
  });
  return {
    method: 'POST',
    path: '/upstash/pipeline',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(commands),
  };
}

/** Number of single operations in one request of a kind. */
export function operationsOf(kind: LoadKind): number {
  if (typeof kind === 'object') return kind.length;
  return kind === 'batch' ? batchOperations : 1;
}

const connectionsMax = 64;
const operationsAtOnceMax = connectionsMax * batchOperations;

/** Long pipelines use fewer connections: the server would refuse some of more commands at once. */
export function connectionsFor(kind: LoadKind): number {
  return Math.min(connectionsMax, Math.floor(operationsAtOnceMax / operationsOf(kind)));
}

/** One request of a kind, on keys that `random` draws. */
export function drawRequest(kind: LoadKind, random: () => number): BenchRequest {
  const drawIndex = () => Math.floor(random() * keyCount);
  if (typeof kind === 'object') return pipeline(kind, drawIndex);
  const index = drawIndex();
  const path = `/v1/keys/${keyOf(index)}`;
  switch (kind) {
    case 'get':
      return { method: 'GET', path };
    case 'put':
      return { method: 'PUT', path, body: valueOf(index) };
    case 'batch':
      return putBatch(Array.from({ length: batchOperations }, drawIndex));
    default:
      return kind satisfies never;
  }
}
