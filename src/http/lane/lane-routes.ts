// The routes that the lane serves. Dialects add the same handlers here that the framework has. Knows no
// handler.
import type { ReadBody } from '../body/body-reader.ts';
import type { HeaderPairs } from '../access/cors.ts';
import { namespaceOfTarget } from '../wire/namespace-of-target.ts';
import type { Answer } from '../wire/answer.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import type { KeyAnswer } from '../wire/value-answer.ts';
import type { LaneMethod } from './head-parser.ts';

export interface LaneRoute {
  /** The label of the route in metrics. */
  readonly label: string;
  /** A longer body is handed over. 0: the method has none. */
  readonly bodyBytesMax: number;
  /** Throws or rejects with the error that is to be answered instead. */
  readonly answer: (request: HttpRequest, readBody: ReadBody) => KeyAnswer | Promise<KeyAnswer>;
  /** Headers of each reply, which are known only as it leaves. */
  readonly added?: () => HeaderPairs;
  /** Answers an error that only the dialect of the route knows. */
  readonly answerFault?: (thrown: unknown) => Answer | undefined;
}

/** Larger bodies are handed over in any case. */
export const laneBodyBytesMax = 64 * 1024;

const nothingAdded: HeaderPairs = [];

export function addedBy({ added }: LaneRoute): HeaderPairs {
  return added === undefined ? nothingAdded : added();
}

type RoutesByMethod = Partial<Record<LaneMethod, LaneRoute>>;

export class LaneRoutes {
  readonly #at = new Map<string, RoutesByMethod>();
  readonly #below: { readonly prefix: string; readonly routes: RoutesByMethod }[] = [];

  /** Adds routes of one path. A target with a query is none of it. */
  addAt(path: string, routes: RoutesByMethod): void {
    this.#at.set(path, routes);
  }

  /** Adds routes of all paths that begin with the prefix. */
  addBelow(prefix: string, routes: RoutesByMethod): void {
    this.#below.push({ prefix, routes });
  }

  /** @param target as it came, with a namespace in front or without */
  find(method: LaneMethod, target: string): LaneRoute | undefined {
    const named = target.startsWith('/v1/') ? undefined : namespaceOfTarget(target);
    if (named === 'malformed') return undefined;
    const own = named === undefined ? target : named.target;
    for (const { prefix, routes } of this.#below) {
      if (own.startsWith(prefix)) return routes[method];
    }
    return this.#at.get(own)?.[method];
  }
}
