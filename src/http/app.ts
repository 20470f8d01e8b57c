// Builds the HTTP application over a store: routes, errors, limits. Must not listen
// (src/http/server.ts does) or know which engine the store is.
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { CommandStore } from '../store/store.ts';
import type { Access } from '../access/access.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { Locks } from '../locks/locks.ts';
import { AccessGate } from './access/access-gate.ts';
import { RateRefusals } from './access/rate-refusals.ts';
import { RequestScopes } from './access/request-scopes.ts';
import { TrustedProxies } from './access/trusted-proxies.ts';
import { UnauthenticatedRequests } from './access/unauthenticated-requests.ts';
import { WebPages } from './access/web-pages.ts';
import { RequestAudits } from './audit/request-audits.ts';
import { BodyReader } from './body/body-reader.ts';
import { answerClientError, answerConnect, answerCutShort } from './wire/client-error.ts';
import { Connections } from './connections/connections.ts';
import { docsRoutes } from './docs/docs-routes.ts';
import { answerOfError, handleErrors, handleMissingRoutes, sendUnroutable } from './wire/errors.ts';
import { fastify } from './framework.ts';
import { healthRoutes } from './metrics/health-routes.ts';
import {
  headerBytesMax,
  headerLinesMax,
  requestReplyShare,
  surplusConnectionsMax,
  type HttpLimits,
} from './limits.ts';
import { identitiesBy } from './idempotency/request-identity.ts';
import { IdempotentRequests } from './idempotency/idempotent-requests.ts';
import { FastLane } from './lane/fast-lane.ts';
import { LaneRoutes } from './lane/lane-routes.ts';
import { ReplyText } from './lane/reply-text.ts';
import { metricsRoutes } from './metrics/metrics-routes.ts';
import { RequestMeter } from './metrics/request-meter.ts';
import { Admission } from './overload/admission.ts';
import { ReplyMemoryBudget } from './overload/reply-memory-budget.ts';
import { UnsentReplies } from './connections/unsent-replies.ts';
import { LargeRequestQueue } from './overload/large-request-queue.ts';
import { LargeRequests } from './overload/large-requests.ts';
import { ConcurrencyLimiter } from './overload/concurrency-limiter.ts';
import { RequestOrder } from './connections/request-order.ts';
import { dialectsOf } from './dialect-list.ts';
import type { Dialect } from './dialect.ts';
import type { RouteContext } from './route-context.ts';
import type { Dialects } from './wire/dialects.ts';
import { Handshakes } from './tls/handshakes.ts';
import { secureOptions } from './tls/secure-server.ts';
import type { PemPair } from './tls/tls-pair.ts';
import { Waits } from './waits/waits.ts';
import type { RequestHead } from './wire/request-head.ts';
import { trackedResponse, type ResponseObservers } from './tracked-response.ts';

/** Rules on callers and on web pages; src/cli/settings-schema.ts explains the lists. */
export interface AppAccess {
  readonly access: Access;
  readonly corsOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly trustProxy: readonly string[];
}

export interface AppOptions {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly access: AppAccess;
  /** Absent: no request leaves a record, whatever the settings of namespaces say. */
  readonly auditLog?: AuditLog;
  readonly version: string;
  /** True: the protocol of Upstash is at `/` as well. */
  readonly upstashAtRoot?: boolean;
  /** False: node's parser and the framework answer every request. */
  readonly fastLane?: boolean;
  /** With it the server speaks HTTPS, and nothing else. */
  readonly tls?: PemPair | undefined;
  /** Gets unexpected errors only; requests are not logged. */
  readonly logger: Logger | false;
  /** True once the process has begun to stop; from then on it is not ready. */
  readonly isStopping?: () => boolean;
  /** Number of log lines that could not be written. */
  readonly logLinesLost?: () => number;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Open sockets and unanswered requests; `drain` in src/http/server.ts waits for them. */
    readonly connections: Connections;
    readonly dialects: Dialects;
    readonly bodies: BodyReader;
    /** Replies that clients have not taken yet. */
    readonly replies: UnsentReplies;
    /** Requests that wait for a change. */
    readonly waits: Waits;
  }
}

const noQuery: Record<string, unknown> = {};

/** Methods whose bodies the framework would otherwise read and parse itself. */
const methodsWithBody = ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY'];

/** No route has a schema to check. By default the framework loads compilers of schemas anyway. */
function refuseSchemas(): never {
  throw new Error('A route has a schema, and this server has no compiler for it');
}

/** The observers and limiters that all requests of one server share. */
interface Watchers extends ResponseObservers {
  readonly dialects: Dialects<Dialect>;
  readonly work: ConcurrencyLimiter;
  readonly admission: Admission;
  readonly gate: AccessGate;
  readonly unauthenticated: UnauthenticatedRequests;
  readonly rateRefusals: RateRefusals;
  readonly audits: RequestAudits;
  readonly handshakes: Handshakes;
  readonly waits: Waits;
}

function gateOf({ access: rules, auditLog, clock, logger, tls }: AppOptions, dialects: Dialects) {
  const { access, corsOrigins, allowedHosts, trustProxy } = rules;
  const proxies = new TrustedProxies(trustProxy);
  const scheme = tls === undefined ? 'http' : 'https';
  const pages = new WebPages({ corsOrigins, allowedHosts, proxies, scheme });
  const monotonicMs = () => clock.monotonicMs();
  const unauthenticated = new UnauthenticatedRequests({ proxies, monotonicMs, logger });
  const rateRefusals = new RateRefusals();
  const { namespaces } = access;
  const audits = new RequestAudits({ log: auditLog, namespaces, monotonicMs });
  const gate = new AccessGate({
    access,
    pages,
    dialects,
    onUnauthenticated: (request, hasToken) => {
      unauthenticated.note(request, hasToken);
      if (hasToken) audits.noteUnknown(request, { code: 'UNAUTHENTICATED' });
    },
    onForbiddenPage: (request, refusal) => audits.noteUnknown(request, refusal),
    charges: { monotonicMs, onRefused: rateRefusals.note },
  });
  return { gate, unauthenticated, rateRefusals, audits };
}

function watchersOf(options: AppOptions): Watchers {
  const { clock, limits, upstashAtRoot = false } = options;
  const dialects = dialectsOf({ upstashAtRoot });
  const connections = new Connections(limits.connectionsMax);
  const meter = new RequestMeter(clock, dialects);
  const work = new ConcurrencyLimiter(() => clock.monotonicMs());
  const replies = new UnsentReplies({
    bytesMax: limits.replyBytesMax,
    stallMsMax: limits.requestTimeoutMs,
    clock,
  });
  const ofGate = gateOf(options, dialects);
  const onRefused = (request: RequestHead) => ofGate.gate.tellRates(request);
  const admission = new Admission({ clock, connections, dialects, replies, work, onRefused });
  const { replyBytesMax: heldBytesMax, requestTimeoutMs } = limits;
  const order = new RequestOrder({ connections, replies, heldBytesMax, requestTimeoutMs });
  const bodies = new BodyReader(limits);
  return {
    ...ofGate,
    dialects,
    bodies,
    connections,
    meter,
    replies,
    order,
    work,
    admission,
    handshakes: new Handshakes(),
    waits: new Waits({ waitersMax: limits.waitersMax, monotonicMs: () => clock.monotonicMs() }),
  };
}

function frameworkOf({ limits, tls }: AppOptions, watchers: Watchers): FastifyInstance {
  const http = {
    ServerResponse: trackedResponse(watchers),
    maxHeaderSize: headerBytesMax(limits.keyBytesMax),
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: 1000,
    requireHostHeader: false,
  };
  const https = tls && { ...http, ...secureOptions(tls, limits.headersTimeoutMs) };
  const app = fastify({
    ...(https === undefined ? { http } : { https }),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // While draining, the server still answers requests on open connections as usual.
    return503OnClosing: false,
    schemaController: {
      compilersFactory: { buildValidator: refuseSchemas, buildSerializer: refuseSchemas },
    },
    rewriteUrl: (request) => watchers.dialects.routedTarget(request),
    // A name of 64 characters, each percent-encoded.
    routerOptions: { querystringParser: () => noQuery, maxParamLength: 3 * 64 },
    frameworkErrors: (_error, request, reply) => sendUnroutable(request, reply),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, watchers),
  });
  app.addHook('onClose', async () => watchers.audits.close());
  // src/http/body reads all bodies: as bytes, within our limits, whatever their type.
  for (const method of methodsWithBody) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  return app;
}

/** Undefined if every request goes to the framework. Over TLS, node's parser reads all of them. */
function laneOf(
  { clock, fastLane = true, limits, logger, tls }: AppOptions,
  watchers: Watchers,
  routes: LaneRoutes,
): FastLane | undefined {
  if (!fastLane || tls !== undefined) return undefined;
  const { admission, bodies, connections, dialects, gate, meter, order, replies } = watchers;
  return new FastLane({
    routes,
    gate,
    admission,
    connections,
    bodies: bodies.budget,
    replies,
    onReply: (route, method, status, ms) => meter.count(route, method, status, ms),
    text: new ReplyText(limits.keepAliveTimeoutMs),
    keepAliveTimeoutMs: limits.keepAliveTimeoutMs,
    monotonicMs: () => clock.monotonicMs(),
    answerOfError: (request, error) => answerOfError(request, error, { dialects, logger }),
    answerCutShort: (socket, head) => answerCutShort(socket, head, watchers),
    replaceSocket: (socket, standIn) => {
      connections.replaceSocket(socket, standIn);
      standIn.once('close', () => order.forget(standIn));
    },
    onFault: (error) => {
      if (logger !== false) logger.error({ err: error }, 'a connection of the fast lane failed');
    },
  });
}

function watchServer(
  app: FastifyInstance,
  watchers: Watchers,
  connectionsMax: number,
  lane: FastLane | undefined,
): void {
  const { server } = app;
  const { connections, admission, gate, handshakes, order } = watchers;
  server.maxConnections = connectionsMax + surplusConnectionsMax;
  server.on('drop', () => connections.noteDropped());
  const forgetAtEnd = (socket: Socket): void => {
    socket.once('close', () => order.forget(socket));
  };
  lane?.takeOver(server);
  server.on('connection', (socket) => {
    connections.addSocket(socket);
    forgetAtEnd(socket);
    lane?.add(socket);
  });
  handshakes.watch(server, connections, forgetAtEnd);
  // A client that has closed its sending side still waits for its replies.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Node counts a connection as idle while its last reply is being flushed, and would cut it.
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    lane?.closeIdle();
    if (!connections.flushing) closeIdleConnections();
  };
  const closeAllConnections = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    lane?.closeAll();
    closeAllConnections();
  };
  // Node drops header lines beyond this, and they may be conditions. `faultOfHead` refuses such
  // requests.
  server.maxHeadersCount = headerLinesMax;
  server.on('connect', (request) => answerConnect(request, connections));
  const known = gate.guard(
    admission.guardWork((request, response) => {
      // We never upgrade, but node detaches its parser after a request to upgrade.
      if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
      app.routing(request, response);
    }),
  );
  const handle = order.guard(gate.splitTarget(admission.guard(known)));
  server.removeAllListeners('request').on('request', handle);
  // The body reader sends `100 Continue`; a refusal comes before the client sends the body.
  server.on('checkContinue', handle);
  // A server may ignore an expectation that it does not know (RFC 9110 section 10.1.1).
  server.on('checkExpectation', handle);
}

function largeRequestsOf({ clock, limits }: AppOptions, work: ConcurrencyLimiter): LargeRequests {
  return new LargeRequests({
    queue: new LargeRequestQueue({
      monotonicMs: () => clock.monotonicMs(),
      hasRoom: () => !work.isEnough,
    }),
    work,
    replyMemory: new ReplyMemoryBudget({
      bytesMax: limits.replyBytesMax,
      requestBytesMax: Math.floor(limits.replyBytesMax * requestReplyShare),
    }),
    bodyBytesMax: limits.batchBytesMax,
  });
}

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { store, clock, limits } = options;
  const watchers = watchersOf(options);
  const { dialects, bodies, connections, meter, replies, waits, work } = watchers;
  const large = largeRequestsOf(options, work);
  const idempotency = new IdempotentRequests({
    store,
    windowMs: limits.idempotencyWindowMs,
    recordsMax: limits.idempotencyRecordsMax,
    wallMs: () => clock.wallMs(),
  });
  await idempotency.load();
  const app = frameworkOf(options, watchers);
  app.decorate('connections', connections).decorate('replies', replies);
  app.decorate('dialects', dialects).decorate('bodies', bodies).decorate('waits', waits);
  const laneRoutes = new LaneRoutes();
  const lane = laneOf(options, watchers, laneRoutes);
  watchServer(app, watchers, limits.connectionsMax, lane);
  app.addHook('onRoute', ({ url }) => meter.addRoute(url));
  handleErrors(app, options.logger);
  handleMissingRoutes(app);
  const { access } = options.access;
  const { namespaces, nowMs } = access;
  const { audits } = watchers;
  const scopes = new RequestScopes({ store, namespaces, nowMs, audits });
  const takesBackups = store.backup !== undefined;
  const identityOf = identitiesBy(dialects.identityHeaders);
  const shared = {
    access,
    audits,
    clock,
    replies,
    waits,
    locks: new Locks(store),
    work,
    large,
    limits,
    idempotency,
    identityOf,
    laneRoutes,
  };
  const context: RouteContext = { ...shared, scopes, takesBackups };
  for (const dialect of dialects.list) await dialect.routes(app, context);
  healthRoutes(app, { store, isStopping: options.isStopping ?? (() => false) });
  const { version, logLinesLost = () => 0 } = options;
  const tokenUses = access.uses;
  const { auditLog } = options;
  metricsRoutes(app, {
    ...watchers,
    lane,
    store,
    namespaces,
    tokenUses,
    idempotency,
    auditLog,
    version,
    logLinesLost,
  });
  docsRoutes(app, { version });
  await app.ready();
  return app;
}
