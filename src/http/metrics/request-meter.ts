// Counts and times every reply by route, method and status class. Two map lookups find the
// histogram. Names and labels are put together only when a client asks for the metrics.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { Histogram, secondsBounds } from '../../base/histogram.ts';
import { labelOfRoute } from '../waits/waited-request.ts';
import type { Dialects } from '../wire/dialects.ts';

export interface MeteredSeries {
  readonly route: string;
  readonly method: string;
  /** `2xx`, `4xx` ... */
  readonly status: string;
  readonly seconds: Histogram;
}

/** One for each status class, by its first digit. */
type SeriesByClass = (MeteredSeries | undefined)[];

/** The meter counts all other methods as `other`: clients cannot invent series. */
const knownMethods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']);

export class RequestMeter {
  readonly #clock: Clock;
  readonly #dialects: Dialects;
  readonly #routes = new Set<string>();
  /** By route, then by method. */
  readonly #series = new Map<string, Map<string, SeriesByClass>>();

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
    const label = labelOfRoute(route, request);
    this.count(label, request.method ?? '', status, this.nowMs() - startedAtMs);
  }

  /** @param ms that the answer took */
  count(route: string, method: string, status: number, ms: number): void {
    this.#seriesOf(route, method, Math.trunc(status / 100)).observe(ms / 1000);
  }

  series(): MeteredSeries[] {
    const lists = [...this.#series.values()].flatMap((byMethod) => [...byMethod.values()]);
    return lists.flat().filter((one) => one !== undefined);
  }

  #seriesOf(route: string, method: string, statusClass: number): Histogram {
    const known = this.#series.get(route)?.get(method)?.[statusClass];
    return (known ?? this.#newSeries(route, method, statusClass)).seconds;
  }

  #newSeries(route: string, method: string, statusClass: number): MeteredSeries {
    let byMethod = this.#series.get(route);
    if (byMethod === undefined) this.#series.set(route, (byMethod = new Map()));
    const counted = knownMethods.has(method) ? method : 'other';
    let byClass = byMethod.get(counted);
    if (byClass === undefined) byMethod.set(counted, (byClass = []));
    return (byClass[statusClass] ??= {
      route,
      method: counted,
      status: `${statusClass}xx`,
      seconds: new Histogram(secondsBounds),
    });
  }
}
