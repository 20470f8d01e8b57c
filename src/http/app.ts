// Builds the HTTP application over a store: routes, errors, limits. Never listens (src/http/server.ts
// does) and never knows which engine the store is.
import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { CommandStore } from '../store/store.ts';
import { BodyReader } from './body/body-reader.ts';
import { answerClientError, answerConnect } from './client-error.ts';
import { Connections } from './connections.ts';
import { docsRoutes } from './docs/docs-routes.ts';
import { handleErrors, handleMissingRoutes, sendUnroutable } from './errors.ts';
import { healthRoutes } from './health-routes.ts';
import {
  gatheredBytesMax,
  headerBytesMax,
  headerLinesMax,
  heldBytesMax,
  replyBytesInFlightMax,
  requestReplyBytesMax,
  surplusConnectionsMax,
  type HttpLimits,
} from './limits.ts';
import { IdempotentRequests } from './idempotency/idempotent-requests.ts';
import { metricsRoutes } from './metrics/metrics-routes.ts';
import { RequestMeter } from './metrics/request-meter.ts';
import { Admission } from './overload/admission.ts';
import { GatheredValues } from './overload/gathered-values.ts';
import { ReplyRoom } from './overload/reply-room.ts';
import { TurnQueue } from './overload/turn-queue.ts';
import { WorkInFlight } from './overload/work-in-flight.ts';
import { RequestOrder } from './request-order.ts';
import { routedTarget } from './request-target.ts';
import { backupRoutes } from './rest/backup-routes.ts';
import { batchRoutes } from './rest/batch-routes.ts';
import { keyRoutes } from './rest/key-routes.ts';
import { listRoutes } from './rest/list-routes.ts';
import { transactionRoutes } from './rest/transaction-routes.ts';
import { unstorageRoutes } from './unstorage/unstorage-routes.ts';
import { upstashRoutes } from './upstash/upstash-routes.ts';
import { trackedResponse, type ResponseObservers } from './tracked-response.ts';

export interface AppOptions {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly version: string;
  /** For what should not happen; there is no log line a request. */
  readonly logger: Logger | false;
  /** True once the process has begun to stop: it is not ready any more. */
  readonly isStopping?: () => boolean;
  /** How many lines of the log could not be written. */
  readonly logLinesLost?: () => number;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What is open at the moment; see src/http/server.ts. */
    readonly connections: Connections;
    /** What is on its way to clients. */
    readonly replies: ReplyRoom;
  }
}

const noQuery: Record<string, unknown> = {};

/** Methods whose bodies the framework would read and parse by itself. */
const methodsWithBody = ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY'];

/** What watches over the requests of one server. */
interface Watchers extends ResponseObservers {
  readonly work: WorkInFlight;
  readonly admission: Admission;
}

function watchersOf({ clock, limits }: AppOptions): Watchers {
  const connections = new Connections(limits.connectionsMax);
  const meter = new RequestMeter(clock);
  const work = new WorkInFlight(() => clock.monotonicMs());
  const replies = new ReplyRoom({
    bytesMax: replyBytesInFlightMax,
    stallMsMax: limits.requestTimeoutMs,
    clock,
  });
  const admission = new Admission({ clock, connections, replies, work });
  const { requestTimeoutMs } = limits;
  const order = new RequestOrder({ connections, replies, heldBytesMax, requestTimeoutMs });
  const bodies = new BodyReader(limits);
  return { bodies, connections, meter, replies, order, work, admission };
}

function frameworkOf({ limits }: AppOptions, watchers: Watchers) {
  const app = fastify({
    http: {
      ServerResponse: trackedResponse(watchers),
      maxHeaderSize: headerBytesMax(limits.keyBytesMax),
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false,
    },
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // While draining, what still comes in on open connections is answered like anything else.
    return503OnClosing: false,
    rewriteUrl: routedTarget,
    routerOptions: { querystringParser: () => noQuery },
    frameworkErrors: (_error, request, reply) => sendUnroutable(request, reply),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, watchers),
  });
  // Bodies are ours to read (src/http/body): as bytes, within our limits, whatever their type.
  for (const method of methodsWithBody) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  return app;
}

function watchServer(app: FastifyInstance, watchers: Watchers, connectionsMax: number): void {
  const { server } = app;
  const { connections, admission, order } = watchers;
  server.maxConnections = connectionsMax + surplusConnectionsMax;
  server.on('drop', () => connections.noteDropped());
  server.on('connection', (socket) => {
    connections.addSocket(socket);
    socket.once('close', () => order.forget(socket));
  });
  // A client that has said all it will say still wants its replies.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Node counts a connection as idle while its last reply is still being flushed, and would cut it.
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    if (!connections.flushing) closeIdleConnections();
  };
  // Node leaves out what is beyond, conditions among them: `faultOfHead` refuses such requests.
  server.maxHeadersCount = headerLinesMax;
  server.on('connect', (request) => answerConnect(request, connections));
  const admitted = admission.guard((request, response) => {
    // We change to no other protocol, but node's parser is lost behind a request to.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    app.routing(request, response);
  });
  const handle = order.guard(admitted);
  server.removeAllListeners('request').on('request', handle);
  // Whoever reads the body says `100 Continue`; a refusal comes before the body is sent.
  server.on('checkContinue', handle);
  // An expectation that we do not know may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', handle);
}

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { store, clock, limits } = options;
  const watchers = watchersOf(options);
  const { bodies, connections, meter, replies, work } = watchers;
  const turns = new TurnQueue({
    monotonicMs: () => clock.monotonicMs(),
    hasRoom: () => !work.isEnough,
  });
  const values = new GatheredValues({
    bytesMax: gatheredBytesMax,
    requestBytesMax: requestReplyBytesMax,
  });
  const idempotency = new IdempotentRequests({
    store,
    windowMs: limits.idempotencyWindowMs,
    recordsMax: limits.idempotencyRecordsMax,
    wallMs: () => clock.wallMs(),
  });
  await idempotency.load();
  const app = frameworkOf(options, watchers);
  app.decorate('connections', connections).decorate('replies', replies);
  watchServer(app, watchers, limits.connectionsMax);
  app.addHook('onRoute', ({ url }) => meter.addRoute(url));
  handleErrors(app, options.logger);
  handleMissingRoutes(app);
  const shared = { store, clock, bodies, work, turns, values, limits, idempotency };
  keyRoutes(app, shared);
  listRoutes(app, { store, work, turns });
  batchRoutes(app, shared);
  transactionRoutes(app, shared);
  backupRoutes(app, { store });
  unstorageRoutes(app, shared);
  await upstashRoutes(app, shared);
  healthRoutes(app, { store, isStopping: options.isStopping ?? (() => false) });
  const { version, logLinesLost = () => 0 } = options;
  metricsRoutes(app, { ...watchers, store, idempotency, version, logLinesLost });
  await docsRoutes(app, { version });
  await app.ready();
  return app;
}
