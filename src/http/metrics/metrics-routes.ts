// GET /metrics: all metrics, in the text format of Prometheus.
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Namespaces } from '../../access/namespaces.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Store } from '../../store/store.ts';
import { forbidden } from '../access/refusals.ts';
import { callerOf } from '../access/request-scopes.ts';
import type { RequestAudits } from '../audit/request-audits.ts';
import { auditMetrics } from './audit-metrics.ts';
import { eventLoopMetrics } from './event-loop-metrics.ts';
import { httpMetrics, type HttpMetricSources } from './http-metrics.ts';
import { namespaceMetrics } from './namespace-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { prometheus } from './prometheus.ts';
import { MetricSampler } from './sampled-metric.ts';
import { storeMetrics } from './store-metrics.ts';

export interface MetricsOptions extends HttpMetricSources {
  readonly store: Store;
  readonly namespaces: Namespaces;
  readonly audits: RequestAudits;
  readonly auditLog: AuditLog | undefined;
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

/** All metrics: those of the server and those of the process. */
function registryOf(sampler: MetricSampler): Registry {
  const { Registry: MetricRegistry } = prometheus();
  const own = new MetricRegistry();
  sampler.registerIn(own);
  return MetricRegistry.merge([own, processMetrics()]);
}

export function metricsRoutes(app: FastifyInstance, options: MetricsOptions): void {
  const sampler = new MetricSampler();
  buildMetric(sampler, options.version);
  logMetric(sampler, options.logLinesLost);
  httpMetrics(sampler, options);
  storeMetrics(sampler, options.store);
  namespaceMetrics(sampler, options);
  auditMetrics(sampler, options.auditLog);
  const stopMeasuring = eventLoopMetrics(sampler);
  app.addHook('onClose', async () => stopMeasuring());
  let registry: Registry | undefined;
  app.get('/metrics', async (request, reply) => {
    if (!callerOf(request).rights.readsEverything) {
      const refusal = forbidden();
      options.audits.noteFailure(request.raw, { action: 'metrics' }, refusal);
      throw refusal;
    }
    registry ??= registryOf(sampler);
    const text = await registry.metrics();
    reply.header('content-type', registry.contentType).send(Buffer.from(text));
  });
}
