// GET /metrics: all metrics, in the text format of Prometheus.
import type { FastifyInstance } from 'fastify';
import type { Store } from '../../store/store.ts';
import { forbidden } from '../access/refusals.ts';
import { callerOf } from '../access/request-scopes.ts';
import { eventLoopMetrics } from './event-loop-metrics.ts';
import { httpMetrics, type HttpMetricSources } from './http-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { Registry } from './prometheus.ts';
import { MetricSampler } from './sampled-metric.ts';
import { storeMetrics } from './store-metrics.ts';

export interface MetricsOptions extends HttpMetricSources {
  readonly store: Store;
  readonly version: string;
  readonly logLinesLost: () => number;
}

function buildMetric(sampler: MetricSampler, version: string): void {
  sampler.gauge('holdfast_build', 'Always 1; the label says which version runs.', () => [
    { labels: { version }, value: 1 },
  ]);
}

function logMetric(sampler: MetricSampler, linesLost: () => number): void {
  sampler.counter(
    'holdfast_log_lines_lost_total',
    'Lines of the log that standard error did not take.',
    () => [{ labels: {}, value: linesLost() }],
  );
}

export function metricsRoutes(app: FastifyInstance, options: MetricsOptions): void {
  const own = new Registry();
  const sampler = new MetricSampler(own);
  buildMetric(sampler, options.version);
  logMetric(sampler, options.logLinesLost);
  httpMetrics(sampler, options);
  storeMetrics(sampler, options.store);
  const stopMeasuring = eventLoopMetrics(sampler);
  app.addHook('onClose', async () => stopMeasuring());
  const registry = Registry.merge([own, processMetrics()]);
  app.get('/metrics', async (request, reply) => {
    if (!callerOf(request).rights.readsEverything) throw forbidden();
    const text = await registry.metrics();
    reply.header('content-type', registry.contentType).send(Buffer.from(text));
  });
}
