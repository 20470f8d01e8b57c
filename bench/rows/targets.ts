// The targets of the bench, as data, and whether a ratio reaches one. A target compares Holdfast with
// another side of the same row.

/** `rate` compares operations a second; `cpu` compares the servers' CPU an operation. */
export type Measure = 'rate' | 'cpu';

export interface Target {
  readonly row: string;
  readonly measure: Measure;
  /** The name of the other side. */
  readonly versus: string;
  /** A rate must be at least this ratio; CPU at most. */
  readonly ratio: number;
}

export const targets: readonly Target[] = [
  { row: 'get-hot', measure: 'rate', versus: 'webdis', ratio: 1.3 },
  { row: 'get-hot', measure: 'rate', versus: 'bare', ratio: 1.5 },
  { row: 'get-hot', measure: 'cpu', versus: 'webdis', ratio: 0.6 },
  { row: 'get-uniform', measure: 'rate', versus: 'webdis', ratio: 1.1 },
  { row: 'get-uniform', measure: 'rate', versus: 'bare', ratio: 1.3 },
  { row: 'get-uniform', measure: 'cpu', versus: 'webdis', ratio: 0.85 },
  { row: 'put-always', measure: 'rate', versus: 'webdis', ratio: 1.3 },
  { row: 'put-always', measure: 'rate', versus: 'fastify-redis', ratio: 1.5 },
  { row: 'put-interval', measure: 'rate', versus: 'webdis', ratio: 1 },
  { row: 'put-interval', measure: 'rate', versus: 'bare', ratio: 1.1 },
  { row: 'pipeline-get-100', measure: 'rate', versus: 'redis-benchmark', ratio: 0.9 },
  { row: 'pipeline-set-100', measure: 'rate', versus: 'redis-benchmark', ratio: 0.6 },
  { row: 'incr-hot', measure: 'rate', versus: 'holdfast, 10,000 keys', ratio: 0.8 },
  { row: 'get-auth', measure: 'rate', versus: 'holdfast, authentication off', ratio: 0.95 },
];

/** As the report prints it. */
export function describeTarget({ measure, versus, ratio }: Target): string {
  return measure === 'rate' ? `≥ ${ratio} of ${versus}` : `CPU ≤ ${ratio} of ${versus}`;
}

export function isReached({ measure, ratio }: Target, reached: number): boolean {
  return measure === 'rate' ? reached >= ratio : reached <= ratio;
}
