// Counts and times every reply by route, method and status class. Two map lookups find the
// histogram. Names and labels are put together only when a client asks for the metrics.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { Histogram, secondsBounds } from '../../base/histogram.ts';
import type { Dialects } from '../wire/dialects.ts';

export interface MeteredSeries {
  readonly route: string;
  readonly method: string;
  /** `2xx`, `4xx` ... */
  readonly status: string;
  readonly seconds: Histogram;
}

/** The meter counts all other methods as `other`: clients cannot invent series. */
const knownMethods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']);

export class RequestMeter {
  readonly #clock: Clock;
  readonly #dialects: Dialects;
  readonly #routes = new Set<string>();
  /** By route, then by method and status class. */
  readonly #series = new Map<string, Map<string, MeteredSeries>>();

  constructor(clock: Clock, dialects: Dialects) {
    this.#dialects = dialects;
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Adds a known route; the meter counts all other routes together. */
  addRoute(route: string): void {
    this.#routes.add(route);
  }

  observe(request: IncomingMessage, status: number, startedAtMs: number): void {
    const route = this.#dialects.routeOfTarget(request.url ?? '', this.#routes);
    this.count(route, request.method ?? '', status, this.nowMs() - startedAtMs);
  }

  /** @param ms that the answer took */
  count(route: string, method: string, status: number, ms: number): void {
    this.#seriesOf(route, method, Math.trunc(status / 100)).observe(ms / 1000);
  }

  series(): MeteredSeries[] {
    return [...this.#series.values()].flatMap((byClass) => [...byClass.values()]);
  }

  #seriesOf(route: string, method: string, statusClass: number): Histogram {
    let byClass = this.#series.get(route);
    if (byClass === undefined) this.#series.set(route, (byClass = new Map()));
    const name = `${method}${statusClass}`;
    return (byClass.get(name) ?? this.#newSeries(byClass, route, method, statusClass)).seconds;
  }

  #newSeries(
    byClass: Map<string, MeteredSeries>,
    route: string,
    method: string,
    statusClass: number,
  ): MeteredSeries {
    const known = knownMethods.has(method) ? method : 'other';
    const name = `${known}${statusClass}`;
    const standing = byClass.get(name);
    if (standing !== undefined) return standing;
    const series = {
      route,
      method: known,
      status: `${statusClass}xx`,
      seconds: new Histogram(secondsBounds),
    };
    byClass.set(name, series);
    return series;
  }
}
