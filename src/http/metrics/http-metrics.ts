// Exposes the figures of the HTTP layer as metrics.
import type { TokenUses } from '../../access/token-uses.ts';
import { rateNames, type RateName } from '../../access/caller-rates.ts';
import type { RateRefusals } from '../access/rate-refusals.ts';
import type { UnauthenticatedRequests } from '../access/unauthenticated-requests.ts';
import type { BodyReader } from '../body/body-reader.ts';
import type { IdempotentRequests } from '../idempotency/idempotent-requests.ts';
import type { Connections } from '../connections/connections.ts';
import type { RequestOrder } from '../connections/request-order.ts';
import { refusalReasons, type Admission } from '../overload/admission.ts';
import type { UnsentReplies } from '../connections/unsent-replies.ts';
import type { ConcurrencyLimiter } from '../overload/concurrency-limiter.ts';
import type { FastLane } from '../lane/fast-lane.ts';
import { handoverReasons } from '../lane/head-parser.ts';
import type { Handshakes } from '../tls/handshakes.ts';
import type { Waits } from '../waits/waits.ts';
import type { RequestMeter } from './request-meter.ts';
import type { MetricSampler } from './sampled-metric.ts';

export interface HttpMetricSources {
  readonly meter: RequestMeter;
  readonly connections: Connections;
  readonly bodies: BodyReader;
  readonly admission: Admission;
  readonly replies: UnsentReplies;
  readonly order: RequestOrder;
  readonly work: ConcurrencyLimiter;
  readonly unauthenticated: UnauthenticatedRequests;
  readonly rateRefusals: RateRefusals;
  readonly tokenUses: Pick<TokenUses, 'failures'>;
  readonly idempotency: IdempotentRequests;
  readonly handshakes: Handshakes;
  readonly waits: Pick<Waits, 'count'>;
  readonly lane: Pick<FastLane, 'handovers' | 'heldCount'> | undefined;
}

const labelOfRate: Readonly<Record<RateName, string>> = {
  requests: 'requests',
  writtenBytes: 'written_bytes',
};

export function httpMetrics(sampler: MetricSampler, sources: HttpMetricSources): void {
  const { meter, connections, handshakes, waits } = sources;
  overloadMetrics(sampler, sources);
  bodyMetrics(sampler, sources);
  idempotencyMetrics(sampler, sources);
  sampler.counter('holdfast_http_requests_total', 'Requests that were answered.', () =>
    meter.series().map(({ route, method, status, seconds }) => ({
      labels: { route, method, status },
      value: seconds.count,
    })),
  );
  sampler.histogram(
    'holdfast_http_request_duration_seconds',
    'From the end of the request headers to the reply; earlier requests of the connection come first.',
    () =>
      meter.series().map(({ route, method, status, seconds }) => ({
        labels: { route, method, status },
        histogram: seconds,
      })),
  );
  sampler.counter(
    'holdfast_http_unauthenticated_total',
    'Requests refused because they had no token, or none that is valid.',
    () => [
      { labels: { token: 'missing' }, value: sources.unauthenticated.missing },
      { labels: { token: 'unknown' }, value: sources.unauthenticated.unknown },
    ],
  );
  sampler.counter(
    'holdfast_http_rate_limited_total',
    'Requests answered 429 because their token had had all that this rate allows.',
    () =>
      rateNames.map((name) => ({
        labels: { rate: labelOfRate[name] },
        value: sources.rateRefusals.count(name),
      })),
  );
  sampler.counter(
    'holdfast_access_token_use_failures_total',
    'Times of the last use of a token that could not be written.',
    () => [{ labels: {}, value: sources.tokenUses.failures }],
  );
  sampler.gauge('holdfast_http_connections', 'Open connections.', () => [
    { labels: {}, value: connections.socketCount },
  ]);
  sampler.counter(
    'holdfast_http_tls_handshakes_failed_total',
    'Connections that ended before their TLS handshake did.',
    () => [{ labels: {}, value: handshakes.failed }],
  );
  sampler.counter(
    'holdfast_lane_handovers_total',
    'Connections that the fast lane has handed over, by what was not plain.',
    () =>
      handoverReasons.map((reason) => ({
        labels: { reason },
        value: sources.lane?.handovers(reason) ?? 0,
      })),
  );
  sampler.gauge(
    'holdfast_http_requests_in_flight',
    'Requests not answered yet, without those that wait for a change.',
    () => [{ labels: {}, value: Math.max(0, connections.requestCount - waits.count) }],
  );
  sampler.gauge(
    'holdfast_http_waiters',
    'Requests that wait for a change of a key, or for a lock.',
    () => [{ labels: {}, value: waits.count }],
  );
}

function bodyMetrics(sampler: MetricSampler, { bodies: { budget } }: HttpMetricSources): void {
  sampler.gauge(
    'holdfast_http_body_bytes_in_flight',
    'Bytes of request bodies that have arrived and whose request is not answered yet.',
    () => [{ labels: {}, value: budget.held }],
  );
  sampler.gauge(
    'holdfast_http_bodies_waiting',
    'Request bodies that wait because bodyBytesInFlightMax is reached.',
    () => [{ labels: {}, value: budget.waiting }],
  );
  sampler.counter(
    'holdfast_http_body_pauses_total',
    'Times that a request body waited because bodyBytesInFlightMax was reached.',
    () => [{ labels: {}, value: budget.pauses }],
  );
  sampler.counter(
    'holdfast_http_bodies_ended_total',
    'Requests answered 503 because their body came too slowly while others waited.',
    () => [{ labels: {}, value: budget.ended }],
  );
}

function idempotencyMetrics(sampler: MetricSampler, { idempotency }: HttpMetricSources): void {
  const { records } = idempotency;
  sampler.gauge('holdfast_idempotency_records', 'Answers kept for an Idempotency-Key.', () => [
    { labels: {}, value: records.count },
  ]);
  sampler.counter(
    'holdfast_idempotency_records_evicted_total',
    'Answers removed before idempotencyWindowMs had passed, because one user had more than idempotencyRecordsMax.',
    () => [{ labels: {}, value: records.evicted }],
  );
}

function overloadMetrics(
  sampler: MetricSampler,
  { admission, connections, lane, replies, order, work }: HttpMetricSources,
): void {
  sampler.counter(
    'holdfast_http_requests_refused_total',
    'Requests answered 503 before their body was read, by the limit that was reached.',
    () =>
      refusalReasons.map((reason) => ({ labels: { reason }, value: admission.refusals(reason) })),
  );
  sampler.counter(
    'holdfast_http_connections_dropped_total',
    'Connections closed unanswered, far beyond connectionsMax.',
    () => [{ labels: {}, value: connections.dropped }],
  );
  sampler.counter(
    'holdfast_http_connections_cut_total',
    'Connections closed because their client did not read its replies.',
    () => [{ labels: {}, value: replies.cuts }],
  );
  sampler.gauge(
    'holdfast_http_requests_held',
    'Pipelined requests that wait for an earlier one on their connection.',
    () => [{ labels: {}, value: order.heldCount + (lane?.heldCount ?? 0) }],
  );
  sampler.counter(
    'holdfast_http_pipelines_cut_total',
    'Connections closed because they held too many pipelined requests.',
    () => [{ labels: {}, value: order.cuts }],
  );
  sampler.gauge('holdfast_http_reply_bytes_in_flight', 'Bytes of replies on their way.', () => [
    { labels: {}, value: replies.bytes },
  ]);
  sampler.gauge(
    'holdfast_http_work_in_flight_units',
    'Work that the store has not answered: operations, and bytes in units of 2048.',
    () => [{ labels: {}, value: work.units }],
  );
}
