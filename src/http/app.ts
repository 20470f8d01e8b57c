// Builds the HTTP application over a store: routes, errors, limits. Never listens (src/http/server.ts
// does) and never knows which engine the store is.
import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { Store } from '../store/store.ts';
import { BodyReader } from './body.ts';
import { answerClientError } from './client-error.ts';
import { Connections } from './connections.ts';
import { docsRoutes } from './docs/docs-routes.ts';
import { handleErrors, handleMissingRoutes, sendUnroutable } from './errors.ts';
import { healthRoutes } from './health-routes.ts';
import { headerBytesMax, type HttpLimits } from './limits.ts';
import { metricsRoutes } from './metrics/metrics-routes.ts';
import { RequestMeter } from './metrics/request-meter.ts';
import { routedTarget } from './request-target.ts';
import { batchRoutes } from './rest/batch-routes.ts';
import { keyRoutes } from './rest/key-routes.ts';
import { listRoutes } from './rest/list-routes.ts';
import { trackedResponse } from './tracked-response.ts';

export interface AppOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly version: string;
  /** For what should not happen; there is no log line a request. */
  readonly logger: Logger | false;
  /** True once the process has begun to stop: it is not ready any more. */
  readonly isStopping?: () => boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What is open at the moment; see src/http/server.ts. */
    readonly connections: Connections;
  }
}

const keepAliveTimeoutMs = 65_000;
const noQuery: Record<string, unknown> = {};

/** Methods whose bodies the framework would read and parse by itself. */
const methodsWithBody = ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY'];

function frameworkOf(options: AppOptions, connections: Connections, meter: RequestMeter) {
  const { limits } = options;
  const app = fastify({
    http: {
      ServerResponse: trackedResponse(connections, meter),
      maxHeaderSize: headerBytesMax(limits.keyBytesMax),
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false,
    },
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // While draining, what still comes in on open connections is answered like anything else.
    return503OnClosing: false,
    rewriteUrl: routedTarget,
    routerOptions: { querystringParser: () => noQuery },
    frameworkErrors: (_error, request, reply) => sendUnroutable(request, reply),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, connections),
  });
  // Bodies are ours to read (src/http/body.ts): as bytes, within our limits, whatever their type.
  for (const method of methodsWithBody) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  return app;
}

function watchServer(app: FastifyInstance, connections: Connections, connectionsMax: number): void {
  const { server } = app;
  server.maxConnections = connectionsMax;
  server.on('connection', (socket) => connections.addSocket(socket));
  // Node counts a connection as idle while its last reply is still being flushed, and would cut it.
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    if (!connections.flushing) closeIdleConnections();
  };
  // Whoever reads the body says `100 Continue`; a refusal comes before the body is sent.
  server.on('checkContinue', (request, response) => app.routing(request, response));
  // An expectation that we do not know may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (request, response) => app.routing(request, response));
}

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { store, clock, limits } = options;
  const connections = new Connections();
  const meter = new RequestMeter(clock);
  const bodies = new BodyReader(limits.bodyBytesInFlightMax);
  const app = frameworkOf(options, connections, meter);
  app.decorate('connections', connections);
  watchServer(app, connections, limits.connectionsMax);
  app.addHook('onRoute', ({ url }) => meter.addRoute(url));
  handleErrors(app, options.logger);
  handleMissingRoutes(app);
  keyRoutes(app, { store, clock, bodies, limits });
  listRoutes(app, { store });
  batchRoutes(app, { store, clock, bodies, limits });
  healthRoutes(app, { store, isStopping: options.isStopping ?? (() => false) });
  metricsRoutes(app, { store, meter, connections, bodies, version: options.version });
  await docsRoutes(app, { version: options.version });
  await app.ready();
  return app;
}
