// Finds the dialect that a request target belongs to, and what each dialect says about requests and
// errors. Knows dialects only by the list it is given.
import type { IncomingMessage } from 'node:http';
import type { StoreError } from '../../base/errors.ts';
import type { Answer } from './answer.ts';
import { problemOf } from './problem.ts';
import {
  faultOfHead,
  originForm,
  pathOfTarget,
  unroutableTarget,
  type Mount,
} from './request-target.ts';

/** The traits of a dialect that the code shared by all dialects needs. */
export interface DialectTraits {
  readonly name: string;
  /**
   * The path that all paths of the dialect begin with, without a slash at the end. Empty: all paths
   * but those below `foreignSegments`.
   */
  readonly base: string;
  /** First segments, still encoded, of paths below the base that are not of the dialect. */
  readonly foreignSegments?: ReadonlySet<string>;
  /** Absent if the router may decode the names in its paths. */
  readonly mount?: Mount;
  /** Router targets of paths that begin with the mount's prefix but contain no name. */
  readonly ownPaths: ReadonlyMap<string, string>;
  /** False if a GET may write. An internal error then leaves the outcome unknown. */
  readonly isGetReadOnly: boolean;
  /** Headers that change the effect of a request, or its answer; in lower case. */
  readonly identityHeaders: readonly string[];
  /** True if its paths name the namespace themselves: none may stand in front of them. */
  readonly namesNamespaces?: boolean;
  /** The query parameter that may have the caller's token, if there is one. */
  readonly tokenParameter?: string;
  formatError(error: StoreError): Answer;
}

function isUnder(base: string, path: string): boolean {
  return path.startsWith(base) && (path.length === base.length || endsSegment(path, base.length));
}

/** True if the character at this place stands behind a segment of a path. */
function endsSegment(path: string, at: number): boolean {
  const code = path.charCodeAt(at);
  return code === 0x2f || code === 0x3f || code === 0x23;
}

function isForeign({ foreignSegments }: DialectTraits, path: string): boolean {
  return foreignSegments !== undefined && foreignSegments.has(firstSegmentOf(path));
}

function firstSegmentOf(path: string): string {
  let end = 1;
  while (end < path.length && !endsSegment(path, end)) end += 1;
  return path.slice(1, end);
}

export class Dialects<T extends DialectTraits = DialectTraits> {
  readonly list: readonly T[];
  /**
   * The identity headers of all dialects, each once, in the order of the list. Kept fingerprints
   * depend on this order.
   */
  readonly identityHeaders: readonly string[];

  constructor(list: readonly T[]) {
    this.list = list;
    this.identityHeaders = [...new Set(list.flatMap((one) => one.identityHeaders))];
  }

  /**
   * @param target the raw request target, which may be malformed after the dialect's base; empty if
   *   it is not known
   */
  dialectOf(target: string): T | undefined {
    if (target === '') return undefined;
    const path = originForm(target);
    return this.list.find((one) => isUnder(one.base, path) && !isForeign(one, path));
  }

  /** @param target the raw request target; one of no dialect gets problem+json */
  problemFor(target: string, error: StoreError): Answer {
    return this.dialectOf(target)?.formatError(error) ?? problemOf(error);
  }

  /** The target that the router gets; for the framework's `rewriteUrl`. */
  routedTarget(request: IncomingMessage): string {
    const { url: target = '' } = request;
    if (target.includes('#') || faultOfHead(request) !== undefined) return unroutableTarget;
    const path = originForm(target);
    const dialect = this.list.find(
      (one) =>
        one.mount !== undefined && path.startsWith(one.mount.prefix) && !isForeign(one, path),
    );
    if (dialect?.mount === undefined) return path;
    return dialect.ownPaths.get(pathOfTarget(path)) ?? dialect.mount.target;
  }

  /** The label under which metrics count a routed target; `routes` has the known routes. */
  routeOfTarget(target: string, routes: ReadonlySet<string>): string {
    const mounted = this.list.find(({ mount }) => mount?.target === target);
    if (mounted?.mount !== undefined) return mounted.mount.route;
    const path = pathOfTarget(target);
    if (routes.has(path)) return path;
    const unmounted = this.list.find((one) => one.mount === undefined && isUnder(one.base, path));
    if (unmounted !== undefined) return unmounted.base;
    return path.startsWith('/docs/') ? '/docs' : 'other';
  }
}
