// The gate that each request passes before it is routed. Takes the namespace out of the target, and
// refuses callers and web pages that may not use the server, or not so often. Must not know routes, except those that
// are open to all. Must not know what a caller may do: caller-authorization.ts judges each operation.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../../access/access.ts';
import type { Caller } from '../../access/caller.ts';
import { StoreError } from '../../base/errors.ts';
import { namespaceNameRule } from '../../base/namespace-name.ts';
import type { Handle } from '../connections/request-order.ts';
import type { RequestHead } from '../wire/request-head.ts';
import { requestIdOf } from '../wire/request-id.ts';
import type { DialectTraits, Dialects } from '../wire/dialects.ts';
import { problemOf } from '../wire/problem.ts';
import { rawAnswer, sendRawAnswer, type RawAnswer } from '../wire/raw-answer.ts';
import { faultOfHead, pathOfTarget } from '../wire/request-target.ts';
import { Authentication } from './authentication.ts';
import { corsHeaders, preflightAnswer, varyByOrigin, type HeaderPairs } from './cors.ts';
import { namespaceOfTarget } from '../wire/namespace-of-target.ts';
import { unauthenticated } from './refusals.ts';
import { RequestCharge, type ChargeOptions } from './request-charge.ts';
import type { WebPages } from './web-pages.ts';

declare module 'node:http' {
  interface IncomingMessage {
    /** Set by the gate; undefined only for requests that are open to all. */
    caller?: Caller;
    /** The namespace in front of the target's path, if there is one. */
    namespace?: string;
    /** Headers that the reply gets, whatever it is: for the page that asks, and of the caller's rates. */
    replyHeaders?: HeaderPairs;
    /** Set by the gate if the caller has a rate. */
    charge?: RequestCharge;
    /** Set by the gate, which all requests pass first. */
    requestId?: string;
  }
}

export interface AccessGateOptions {
  readonly access: Pick<Access, 'callers' | 'uses' | 'nowMs'>;
  readonly pages: WebPages;
  readonly dialects: Dialects;
  /** Called for each request that is refused for want of a valid token. */
  readonly onUnauthenticated: (request: RequestHead, hasToken: boolean) => void;
  /** Called for each request that is refused because of the page that has sent it, or of its host. */
  readonly onForbiddenPage: (request: RequestHead, refusal: StoreError) => void;
  readonly charges: ChargeOptions;
}

/** Probes of the process and of its readiness say nothing that a token would have to protect. */
const openToAll: ReadonlySet<string> = new Set(['/livez', '/readyz']);

const noRoute = rawAnswer(
  problemOf(
    new StoreError(
      'ROUTE_NOT_FOUND',
      'Nothing is at this path. A namespace is written once, as /ns/NAME/ in front of a path under /v1 (not ' +
        `/v1/admin) or /upstash. Its name ${namespaceNameRule}.`,
    ),
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
      const refusal = this.split(request);
      if (refusal === undefined) handle(request, response);
      else this.#send(request, response, refusal);
    };
  }

  /**
   * Gives the request its id, and takes the namespace out of the target.
   *
   * @returns the answer to a target that no route has; undefined if the request may go on
   */
  split(request: RequestHead): RawAnswer | undefined {
    request.requestId = requestIdOf(request.headers);
    this.#noteOrigin(request);
    const named = namespaceOfTarget(request.url ?? '');
    if (named === undefined) return undefined;
    if (named === 'malformed' || !this.#takesNamespace(named.target)) {
      this.tellRates(request);
      return noRoute;
    }
    request.namespace = named.namespace;
    request.url = named.target;
    return undefined;
  }

  #unauthenticatedFor(dialect: DialectTraits | undefined): RawAnswer {
    const answer = this.#unauthenticatedByDialect.get(dialect);
    if (answer === undefined) throw new Error('every dialect has its refusal');
    return answer;
  }

  #takesNamespace(target: string): boolean {
    const dialect = this.#options.dialects.dialectOf(target);
    return dialect !== undefined && dialect.namesNamespaces !== true;
  }

  /** Returns a listener that hands on the requests of known callers, and answers all others. */
  guard(handle: Handle): Handle {
    return (request, response) => {
      const answer = this.answerInstead(request);
      if (answer === undefined) handle(request, response);
      else this.#send(request, response, answer);
    };
  }

  /**
   * Finds the caller, and takes a token out of the target.
   *
   * @returns the answer to a caller or page that may not use the server, or to a page that only asks
   *   whether it may; undefined if the request may go on
   */
  answerInstead(request: RequestHead): RawAnswer | undefined {
    const { dialects, onUnauthenticated } = this.#options;
    const { url = '' } = request;
    const isOpenToAll = openToAll.has(pathOfTarget(url));
    const ofPage = isOpenToAll ? undefined : this.#answerToPage(request);
    if (ofPage !== undefined) {
      this.tellRates(request);
      return ofPage;
    }
    const dialect = dialects.dialectOf(url);
    const caller = this.#authentication.callerOf(request, dialect?.tokenParameter);
    if (typeof caller === 'string') {
      if (isOpenToAll) return undefined;
      onUnauthenticated(request, caller === 'no valid token');
      return this.#unauthenticatedFor(dialect);
    }
    request.caller = caller;
    if (caller.rates === undefined) return undefined;
    const charge = new RequestCharge(request, caller.rates, this.#options.charges);
    if (isOpenToAll) {
      charge.tell();
      return undefined;
    }
    request.charge = charge;
    const refusal = charge.takeRequest();
    return refusal && rawAnswer(dialects.problemFor(url, refusal));
  }

  /** For a reply without a caller: it tells of the rates of the token that the request carries, too. */
  tellRates(request: RequestHead): void {
    const { access, charges, dialects } = this.#options;
    if (!access.callers.haveRates) return;
    const dialect = dialects.dialectOf(request.url ?? '');
    const caller = this.#authentication.callerOf(request, dialect?.tokenParameter);
    if (typeof caller === 'string' || caller.rates === undefined) return;
    new RequestCharge(request, caller.rates, charges).tell();
  }

  /** @returns undefined unless a page may not send the request, or only asks whether it may */
  #answerToPage(request: RequestHead): RawAnswer | undefined {
    const { access, pages, dialects, onForbiddenPage } = this.#options;
    const refusal = access.callers.isOpen ? pages.refusalOf(request) : undefined;
    if (refusal !== undefined) {
      onForbiddenPage(request, refusal);
      return rawAnswer(dialects.problemFor(request.url ?? '', refusal));
    }
    return request.method === 'OPTIONS' ? this.#answerToPreflight(request) : undefined;
  }

  /** The reply of each request of an allowed page says so, whatever becomes of the request. */
  #noteOrigin(request: RequestHead): void {
    const { pages } = this.#options;
    if (!pages.areAllowed) return;
    const { origin } = request.headers;
    request.replyHeaders =
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
  #answerToPreflight({ headers }: RequestHead): RawAnswer | undefined {
    const { origin } = headers;
    const isAsked = headers['access-control-request-method'] !== undefined;
    if (origin === undefined || !isAsked || !this.#options.pages.allows(origin)) return undefined;
    const asked = headers['access-control-request-headers'] ?? '';
    const isPrivateNetwork = headers['access-control-request-private-network'] === 'true';
    return rawAnswer(preflightAnswer({ asked, isPrivateNetwork }));
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: RawAnswer): void {
    // If the framing is in doubt, the bytes that follow must not be taken for a request.
    if (faultOfHead(request) !== undefined) response.shouldKeepAlive = false;
    // The meter counts a refusal under the route that the request would have had.
    request.url = this.#options.dialects.routedTarget(request);
    sendRawAnswer(response, answer);
  }
}
