// Measures how late the main thread's event loop runs: if this grows, every request waits.
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { MetricSampler } from './sampled-metric.ts';

const quantiles = [0.5, 0.9, 0.99, 1] as const;
const nanosecondsPerSecond = 1e9;

function sampleAndReset(delay: IntervalHistogram) {
  const samples = quantiles.map((quantile) => ({
    labels: { quantile },
    value: delay.percentile(quantile * 100) / nanosecondsPerSecond,
  }));
  delay.reset();
  return samples;
}

/** @returns a function that stops the measuring */
export function eventLoopMetrics(sampler: MetricSampler): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  sampler.gauge(
    'holdfast_event_loop_delay_seconds',
    'Delay of the event loop since the last request for metrics; quantile 1 is the longest.',
    () => sampleAndReset(delay),
  );
  return () => delay.disable();
}
