// What the HTTP layer knows of itself, as metrics.
import type { BodyReader } from '../body.ts';
import type { Connections } from '../connections.ts';
import type { RequestMeter } from './request-meter.ts';
import type { MetricSampler } from './sampled-metric.ts';

export interface HttpMetricSources {
  readonly meter: RequestMeter;
  readonly connections: Connections;
  readonly bodies: BodyReader;
}

export function httpMetrics(
  sampler: MetricSampler,
  { meter, connections, bodies }: HttpMetricSources,
): void {
  sampler.counter('holdfast_http_requests_total', 'Requests that were answered.', () =>
    meter.series().map(({ route, method, status, seconds }) => ({
      labels: { route, method, status },
      value: seconds.count,
    })),
  );
  sampler.histogram(
    'holdfast_http_request_duration_seconds',
    'From the end of the request headers to the reply.',
    () =>
      meter.series().map(({ route, method, status, seconds }) => ({
        labels: { route, method, status },
        histogram: seconds,
      })),
  );
  sampler.gauge('holdfast_http_connections', 'Open connections.', () => [
    { labels: {}, value: connections.socketCount },
  ]);
  sampler.gauge('holdfast_http_requests_in_flight', 'Requests not answered yet.', () => [
    { labels: {}, value: connections.requestCount },
  ]);
  sampler.gauge('holdfast_http_body_bytes_in_flight', 'Bytes reserved for request bodies.', () => [
    { labels: {}, value: bodies.bytesInFlight },
  ]);
}
