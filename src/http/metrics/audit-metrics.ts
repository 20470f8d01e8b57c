// Exposes the figures of the audit log as metrics.
import type { AuditLog } from '../../audit/audit-log.ts';
import type { MetricSampler } from './sampled-metric.ts';

/** @param log undefined: all figures are 0 */
export function auditMetrics(sampler: MetricSampler, log: AuditLog | undefined): void {
  sampler.counter('holdfast_audit_records_total', 'Records that the audit log has taken.', () => [
    { labels: {}, value: log?.records ?? 0 },
  ]);
  sampler.counter(
    'holdfast_audit_dropped_total',
    'Records that were lost because the audit log could not be written.',
    () => [{ labels: {}, value: log?.dropped ?? 0 }],
  );
  sampler.counter(
    'holdfast_audit_refused_total',
    'Requests refused because the audit log could not be written.',
    () => [{ labels: {}, value: log?.refused ?? 0 }],
  );
  sampler.gauge('holdfast_audit_full', '1 while the audit log cannot be written, else 0.', () => [
    { labels: {}, value: log?.isFull === true ? 1 : 0 },
  ]);
}
