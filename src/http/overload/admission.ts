// Decides before any body is read whether a request is let in or answered 503 at once. Requests
// that are let in are then answered in bounded time. Knows signs of overload. Must not know routes,
// except those for monitoring. Those are let in unless the connection itself is one too many.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Connections } from '../connections/connections.ts';
import { problemFor } from '../wire/error-form.ts';
import type { Handle } from '../connections/request-order.ts';
import { isCommandTarget, pathOfTarget, routedTarget } from '../wire/request-target.ts';
import type { UnsentReplies } from './unsent-replies.ts';
import { EventLoopBudget } from './event-loop-budget.ts';
import { tooMuchAsked, type ConcurrencyLimiter } from './concurrency-limiter.ts';

export const refusalReasons = ['connections', 'replies', 'turn', 'work'] as const;

/** The sign of overload that a request was refused for. */
export type RefusalReason = (typeof refusalReasons)[number];

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly replies: UnsentReplies;
  readonly work: ConcurrencyLimiter;
}

/** Cheap, and operators need these most under overload. */
const alwaysAdmitted: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** Built once per target: refusing has to be cheap. */
function refusalFor(target: string) {
  const { status, headers, body } = problemFor(target, tooMuchAsked());
  const length = String(Buffer.byteLength(body));
  const own = { 'content-length': length, 'cache-control': 'no-store' };
  return { status, head: Object.entries({ ...headers, ...own }).flat(), body };
}

const refusal = refusalFor('/');
const commandRefusal = refusalFor('/upstash');

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #turn = new EventLoopBudget();
  readonly #refusals = new Map<RefusalReason, number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  refusals(reason: RefusalReason): number {
    return this.#refusals.get(reason) ?? 0;
  }

  /** Returns a listener that hands admitted requests to `handle` and answers all others 503. */
  guard(handle: Handle): Handle {
    return (request, response) => {
      const reason = this.#reasonAgainst(request);
      if (reason === undefined || this.#isWatching(request, reason)) handle(request, response);
      else this.#refuse(reason, request, response);
    };
  }

  #reasonAgainst({ method, socket }: IncomingMessage): RefusalReason | undefined {
    const { clock, connections, replies, work } = this.#options;
    const isTurnSpent = this.#turn.isSpent(clock.monotonicMs());
    if (connections.isSurplus(socket)) return 'connections';
    if (isTurnSpent) return 'turn';
    if (replies.isFull) return 'replies';
    // A read of one key takes next to nothing and must not wait for writes elsewhere.
    if (method !== 'GET' && method !== 'HEAD' && work.isFull) return 'work';
    return undefined;
  }

  #isWatching({ url = '' }: IncomingMessage, reason: RefusalReason): boolean {
    return reason !== 'connections' && alwaysAdmitted.has(pathOfTarget(url));
  }

  #refuse(reason: RefusalReason, request: IncomingMessage, response: ServerResponse): void {
    this.#refusals.set(reason, this.refusals(reason) + 1);
    const { status, head, body } = isCommandTarget(request.url ?? '') ? commandRefusal : refusal;
    // The meter counts a refusal under the route that the request would have had.
    request.url = routedTarget(request);
    if (reason === 'connections') response.shouldKeepAlive = false;
    response.writeHead(status, head).end(body);
  }
}
