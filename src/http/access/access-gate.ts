// The gate that each request passes before it is routed. Takes the namespace out of the target, and
// refuses callers and web pages that may not use the server. Must not know routes, except those that
// are open to all. Must not know what a caller may do: caller-authorization.ts judges each operation.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../../access/access.ts';
import type { Caller } from '../../access/caller.ts';
import { StoreError } from '../../base/errors.ts';
import { namespaceNameRule } from '../../base/namespace-name.ts';
import type { Handle } from '../connections/request-order.ts';
import type { Answer } from '../wire/answer.ts';
import type { DialectTraits, Dialects } from '../wire/dialects.ts';
import { problemOf } from '../wire/problem.ts';
import { rawAnswer, sendRawAnswer, type RawAnswer } from '../wire/raw-answer.ts';
import { faultOfHead, pathOfTarget } from '../wire/request-target.ts';
import { Authentication } from './authentication.ts';
import { corsHeaders, preflightAnswer, varyByOrigin, type HeaderPairs } from './cors.ts';
import { namespaceOfTarget } from '../wire/namespace-of-target.ts';
import { unauthenticated } from './refusals.ts';
import type { WebPages } from './web-pages.ts';

declare module 'node:http' {
  interface IncomingMessage {
    /** Set by the gate; undefined only for requests that are open to all. */
    caller?: Caller;
    /** The namespace in front of the target's path, if there is one. */
    namespace?: string;
    /** Headers of the reply that concern the page that has sent the request. */
    corsHeaders?: HeaderPairs;
  }
}

export interface AccessGateOptions {
  readonly access: Pick<Access, 'callers' | 'uses' | 'nowMs'>;
  readonly pages: WebPages;
  readonly dialects: Dialects;
  /** Called for each request that is refused for want of a valid token. */
  readonly onUnauthenticated: (request: IncomingMessage, hasToken: boolean) => void;
}

/** Probes of the process and of its readiness say nothing that a token would have to protect. */
const openToAll: ReadonlySet<string> = new Set(['/livez', '/readyz']);

const noRoute = problemOf(
  new StoreError(
    'ROUTE_NOT_FOUND',
    'Nothing is at this path. A namespace is written once, as /ns/NAME/ in front of a path under /v1 (not ' +
      `/v1/admin) or /upstash. Its name ${namespaceNameRule}.`,
  ),
);

export class AccessGate {
  readonly #options: AccessGateOptions;
  readonly #authentication: Authentication;
  /** Built once per dialect: guessing must cost the server little. */
  readonly #unauthenticatedByDialect: ReadonlyMap<DialectTraits | undefined, RawAnswer>;
  readonly #corsByOrigin = new Map<string, HeaderPairs>();

  constructor(options: AccessGateOptions) {
    this.#options = options;
    this.#authentication = new Authentication(options.access);
    const { list } = options.dialects;
    this.#unauthenticatedByDialect = new Map([
      [undefined, rawAnswer(problemOf(unauthenticated()))],
      ...list.map((one) => [one, rawAnswer(one.formatError(unauthenticated()))] as const),
    ]);
  }

  /** Returns a listener that splits the target, and then hands every request to `handle`. */
  splitTarget(handle: Handle): Handle {
    return (request, response) => {
      this.#noteOrigin(request);
      const named = namespaceOfTarget(request.url ?? '');
      if (named === 'malformed' || (named !== undefined && !this.#takesNamespace(named.target))) {
        this.#refuse(request, response, noRoute);
        return;
      }
      if (named !== undefined) {
        request.namespace = named.namespace;
        request.url = named.target;
      }
      handle(request, response);
    };
  }

  #takesNamespace(target: string): boolean {
    const dialect = this.#options.dialects.dialectOf(target);
    return dialect !== undefined && dialect.namesNamespaces !== true;
  }

  /** Returns a listener that hands on the requests of known callers, and answers all others. */
  guard(handle: Handle): Handle {
    return (request, response) => {
      const { dialects, onUnauthenticated } = this.#options;
      const { url = '' } = request;
      const isOpenToAll = openToAll.has(pathOfTarget(url));
      if (!isOpenToAll && this.#answerPage(request, response)) return;
      const dialect = dialects.dialectOf(url);
      const caller = this.#authentication.callerOf(request, dialect?.tokenParameter);
      if (typeof caller !== 'string') request.caller = caller;
      else if (!isOpenToAll) {
        onUnauthenticated(request, caller === 'no valid token');
        this.#send(request, response, this.#unauthenticatedByDialect.get(dialect));
        return;
      }
      handle(request, response);
    };
  }

  /** @returns true if the request is answered: a page may not send it, or only asks whether it may */
  #answerPage(request: IncomingMessage, response: ServerResponse): boolean {
    const { access, pages, dialects } = this.#options;
    const refusal = access.callers.isOpen ? pages.refusalOf(request) : undefined;
    if (refusal === undefined) {
      return request.method === 'OPTIONS' && this.#answerPreflight(request, response);
    }
    this.#refuse(request, response, dialects.problemFor(request.url ?? '', refusal));
    return true;
  }

  /** The reply of each request of an allowed page says so, whatever becomes of the request. */
  #noteOrigin(request: IncomingMessage): void {
    const { pages } = this.#options;
    if (!pages.areAllowed) return;
    const { origin } = request.headers;
    request.corsHeaders =
      origin !== undefined && pages.allows(origin) ? this.#corsHeadersOf(origin) : varyByOrigin;
  }

  #corsHeadersOf(origin: string): HeaderPairs {
    const allowed = this.#options.pages.allowsAll ? '*' : origin;
    const known = this.#corsByOrigin.get(allowed);
    if (known !== undefined) return known;
    const headers = corsHeaders(allowed);
    this.#corsByOrigin.set(allowed, headers);
    return headers;
  }

  /** A browser sends a preflight without a token. */
  #answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
    const { headers } = request;
    const { origin } = headers;
    if (origin === undefined || headers['access-control-request-method'] === undefined)
      return false;
    if (!this.#options.pages.allows(origin)) return false;
    const asked = headers['access-control-request-headers'] ?? '';
    const isPrivateNetwork = headers['access-control-request-private-network'] === 'true';
    this.#send(request, response, rawAnswer(preflightAnswer({ asked, isPrivateNetwork })));
    return true;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    this.#send(request, response, rawAnswer(answer));
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: RawAnswer | undefined): void {
    if (answer === undefined) throw new Error('every dialect has its refusal');
    // If the framing is in doubt, the bytes that follow must not be taken for a request.
    if (faultOfHead(request) !== undefined) response.shouldKeepAlive = false;
    // The meter counts a refusal under the route that the request would have had.
    request.url = this.#options.dialects.routedTarget(request);
    sendRawAnswer(response, answer);
  }
}
