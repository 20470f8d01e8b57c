// Decides before any body is read whether a request is let in or answered 503 at once. Requests
// that are let in are then answered in bounded time. Knows signs of overload. Must not know routes,
// except those for monitoring. Those are let in unless the connection itself is one too many.
import type { Clock } from '../../base/clock.ts';
import { defaultNamespace } from '../../base/default-namespace.ts';
import { namespaceHeader } from '../access/request-scopes.ts';
import type { Connections } from '../connections/connections.ts';
import type { DialectTraits, Dialects } from '../wire/dialects.ts';
import type { Handle } from '../connections/request-order.ts';
import type { RequestHead } from '../wire/request-head.ts';
import { pathOfTarget } from '../wire/request-target.ts';
import { problemOf } from '../wire/problem.ts';
import { rawAnswer, sendRawAnswer, type RawAnswer } from '../wire/raw-answer.ts';
import type { UnsentReplies } from '../connections/unsent-replies.ts';
import { EventLoopBudget } from './event-loop-budget.ts';
import { tooMuchAsked, type ConcurrencyLimiter } from './concurrency-limiter.ts';

export const refusalReasons = ['connections', 'replies', 'event_loop', 'work'] as const;

/** The sign of overload that a request was refused for. */
export type RefusalReason = (typeof refusalReasons)[number];

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly dialects: Dialects;
  readonly replies: UnsentReplies;
  readonly work: ConcurrencyLimiter;
  /** Called for each request that is refused, before its answer leaves. */
  readonly onRefused: (request: RequestHead) => void;
}

export interface Refusal {
  readonly reason: RefusalReason;
  readonly answer: RawAnswer;
}

/** Cheap, and operators need these most under overload. */
const alwaysAdmitted: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

const refusal = rawAnswer(problemOf(tooMuchAsked()));

export class Admission {
  readonly #options: AdmissionOptions;
  /** Built once per dialect: refusing has to be cheap. */
  readonly #refusalByDialect: ReadonlyMap<DialectTraits, RawAnswer>;
  readonly #turn: EventLoopBudget;
  readonly #refusals = new Map<RefusalReason, number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#turn = new EventLoopBudget(() => options.clock.monotonicMs());
    this.#refusalByDialect = new Map(
      options.dialects.list.map((one) => [one, rawAnswer(one.formatError(tooMuchAsked()))]),
    );
  }

  refusals(reason: RefusalReason): number {
    return this.#refusals.get(reason) ?? 0;
  }

  /** Returns a listener that hands admitted requests to `handle` and answers all others 503. */
  guard(handle: Handle): Handle {
    return (request, response) => {
      const refused = this.refusalOf(request);
      if (refused === undefined) {
        handle(request, response);
        return;
      }
      // The meter counts a refusal under the route that the request would have had.
      request.url = this.#options.dialects.routedTarget(request);
      if (refused.reason === 'connections') response.shouldKeepAlive = false;
      sendRawAnswer(response, refused.answer);
    };
  }

  /** Like `guard`, for requests whose caller is known by now. */
  guardWork(handle: Handle): Handle {
    return (request, response) => {
      const refused = this.refusalOfWork(request);
      if (refused === undefined) {
        handle(request, response);
        return;
      }
      request.url = this.#options.dialects.routedTarget(request);
      sendRawAnswer(response, refused.answer);
    };
  }

  /**
   * Judges a request, and counts it if it is refused.
   *
   * @returns undefined if the request is let in
   */
  refusalOf(request: RequestHead): Refusal | undefined {
    const reason = this.#reasonAgainst(request);
    if (reason === undefined || this.#isWatching(request, reason)) return undefined;
    return this.#refuse(request, reason);
  }

  /**
   * Judges a request of a known caller, before its body is read: the namespace may have its share of the
   * store's work already. A path that names its namespace in its own way is judged by its handler.
   *
   * @returns undefined if the request is let in
   */
  refusalOfWork(request: RequestHead): Refusal | undefined {
    const { dialects, work } = this.#options;
    const { method, url = '', caller } = request;
    // A read of one key takes next to nothing and must not wait for writes elsewhere.
    if (!work.isFull || method === 'GET' || method === 'HEAD') return undefined;
    if (alwaysAdmitted.has(pathOfTarget(url))) return undefined;
    if (dialects.dialectOf(url)?.namesNamespaces === true) return undefined;
    const { [namespaceHeader]: header } = request.headers;
    const named = request.namespace ?? (typeof header === 'string' ? header : undefined);
    const namespace = named ?? caller?.rights.homeNamespace ?? defaultNamespace;
    return work.isFullFor(namespace) ? this.#refuse(request, 'work') : undefined;
  }

  #refuse(request: RequestHead, reason: RefusalReason): Refusal {
    this.#refusals.set(reason, this.refusals(reason) + 1);
    const { dialects, onRefused } = this.#options;
    onRefused(request);
    const dialect = dialects.dialectOf(request.url ?? '');
    const own = dialect === undefined ? undefined : this.#refusalByDialect.get(dialect);
    return { reason, answer: own ?? refusal };
  }

  #reasonAgainst({ socket }: RequestHead): RefusalReason | undefined {
    const { connections, replies } = this.#options;
    const isTurnSpent = this.#turn.isSpent();
    if (connections.isSurplus(socket)) return 'connections';
    if (isTurnSpent) return 'event_loop';
    return replies.isFull ? 'replies' : undefined;
  }

  #isWatching({ url = '' }: RequestHead, reason: RefusalReason): boolean {
    return reason !== 'connections' && alwaysAdmitted.has(pathOfTarget(url));
  }
}
