// Exposes the figures that the store reports as metrics.
import type { Histogram } from '../../base/histogram.ts';
import type { Store } from '../../store/store.ts';
import type { ShardStatus } from '../../store/store-status.ts';
import type { MetricSampler, Sample } from './sampled-metric.ts';

type ShardFigure = (shard: ShardStatus) => number;

const shardGauges: readonly (readonly [name: string, help: string, figure: ShardFigure])[] = [
  ['serving', '1 while the shard serves, else 0.', ({ state }) => Number(state === 'serving')],
  ['entries', 'Entries, expired ones that are not removed yet included.', (s) => s.entries],
  ['bytes', 'Keys and values, summed.', (s) => s.bytes],
  ['heap_bytes', 'Memory that the shard keeps, at most.', (s) => s.heapBytes],
  [
    'heap_max_bytes',
    'The limit of heap_bytes. Past it the shard refuses puts (SHARD_FULL).',
    (s) => s.heapBytesMax,
  ],
  ['queue_operations', 'Operations that wait for the next batch.', (s) => s.queueOperations],
  ['queue_bytes', 'Bytes of the operations that wait.', (s) => s.queueBytes],
  ['journal_bytes', 'Size of the live journals.', (s) => s.journalBytes],
  ['snapshot_bytes', 'Size of the live snapshot.', (s) => s.snapshotBytes],
  ['disk_full', '1 while puts find no room on disk, else 0.', (s) => Number(s.isDiskFull)],
  ['torn_tails', 'Torn tails of journals cut off since the start.', (s) => s.tornTails],
  ['epoch', 'Times the shard was opened; above 1 if its thread died.', (s) => s.epoch],
];

function shardMetrics(sampler: MetricSampler, store: Store): void {
  const perShard = (figure: ShardFigure) => (): Sample[] =>
    store.status().shards.map((s) => ({ labels: { shard: s.shard }, value: figure(s) }));
  const perShardHistogram = (figure: (shard: ShardStatus) => Histogram) => () =>
    store.status().shards.map((s) => ({ labels: { shard: s.shard }, histogram: figure(s) }));
  for (const [name, help, figure] of shardGauges) {
    sampler.gauge(`holdfast_shard_${name}`, help, perShard(figure));
  }
  sampler.histogram(
    'holdfast_shard_batch_operations',
    'Operations a batch.',
    perShardHistogram((s) => s.batchOperations),
  );
  sampler.histogram(
    'holdfast_shard_sync_duration_seconds',
    'Time that the sync of a batch took.',
    perShardHistogram((s) => s.syncSeconds),
  );
}

function compactionMetrics(sampler: MetricSampler, store: Store): void {
  sampler.gauge('holdfast_compactions_running', 'Compactions at work now.', () => [
    { labels: {}, value: store.status().compactions.running },
  ]);
  sampler.counter('holdfast_compactions_total', 'Compactions that have ended.', () => {
    const { completed, failed } = store.status().compactions;
    return [
      { labels: { result: 'completed' }, value: completed },
      { labels: { result: 'failed' }, value: failed },
    ];
  });
}

function transactionMetrics(sampler: MetricSampler, store: Store): void {
  sampler.counter('holdfast_transactions_total', 'Transactions that had changes to make.', () => {
    const { committed, refused, unknown } = store.status().transactions;
    return [
      { labels: { result: 'committed' }, value: committed },
      { labels: { result: 'refused' }, value: refused },
      { labels: { result: 'unknown' }, value: unknown },
    ];
  });
  sampler.counter(
    'holdfast_transactions_over_shards_total',
    'Committed transactions over several shards.',
    () => [{ labels: {}, value: store.status().transactions.overShards }],
  );
}

function turnMetrics(sampler: MetricSampler, store: Store): void {
  sampler.gauge(
    'holdfast_turn_waiters',
    'Requests that wait for the turn of their namespace.',
    () => [{ labels: {}, value: store.status().turnWaiters }],
  );
}

function readMetrics(sampler: MetricSampler, store: Store): void {
  sampler.counter('holdfast_reads_total', 'Reads of entries, by their way.', () => {
    const { direct, queued } = store.status().reads;
    return [
      { labels: { way: 'direct' }, value: direct },
      { labels: { way: 'queue' }, value: queued },
    ];
  });
}

export function storeMetrics(sampler: MetricSampler, store: Store): void {
  shardMetrics(sampler, store);
  transactionMetrics(sampler, store);
  compactionMetrics(sampler, store);
  readMetrics(sampler, store);
  turnMetrics(sampler, store);
}
