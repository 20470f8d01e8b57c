// Turns every failure of a request into a reply. A StoreError is expected and passes as it is.
// Anything else is a bug: it is logged, and the client learns nothing of it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { StoreError } from '../../base/errors.ts';
import { sendAnswer, type Answer } from './answer.ts';
import type { Dialects } from './dialects.ts';
import type { HttpRequest } from './request-head.ts';
import { faultOfHead, pathOfTarget } from './request-target.ts';

const readMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

type Asked = Pick<HttpRequest, 'method' | 'originalUrl'>;

function internalError({ method, originalUrl }: Asked, dialects: Dialects): StoreError {
  const { isGetReadOnly = true } = dialects.dialectOf(originalUrl) ?? {};
  const isRead = readMethods.has(method) && isGetReadOnly;
  return new StoreError('INTERNAL', 'The request failed for a reason of the server.', {
    outcome: isRead ? 'not-applied' : 'unknown',
  });
}

function send(
  { originalUrl, server }: FastifyRequest,
  reply: FastifyReply,
  error: StoreError,
): void {
  sendAnswer(reply, server.dialects.problemFor(originalUrl, error));
}

/** @returns the answer to a request whose handler has thrown or rejected */
export function answerOfError(
  request: Asked,
  error: unknown,
  { dialects, logger }: { readonly dialects: Dialects; readonly logger: Logger | false },
): Answer {
  if (error instanceof StoreError) return dialects.problemFor(request.originalUrl, error);
  if (logger !== false) logger.error({ err: error, method: request.method }, 'request failed');
  return dialects.problemFor(request.originalUrl, internalError(request, dialects));
}

/** Answers errors that handlers throw and promises that reject. */
export function handleErrors(app: FastifyInstance, logger: Logger | false): void {
  app.setErrorHandler((error, request, reply) => {
    sendAnswer(reply, answerOfError(request, error, { dialects: request.server.dialects, logger }));
  });
}

/** Answers requests that the router cannot route at all; see `Dialects.routedTarget`. */
export function sendUnroutable(request: FastifyRequest, reply: FastifyReply): void {
  const fault = faultOfHead(request.raw);
  if (fault !== undefined) {
    // If the framing is in doubt, the bytes that follow must not be taken for a request.
    reply.raw.shouldKeepAlive = false;
    send(request, reply, fault);
    return;
  }
  const detail = request.originalUrl.includes('#')
    ? 'A request target has no fragment; write # as %23.'
    : 'The path is not valid percent-encoding of UTF-8.';
  send(request, reply, new StoreError('BAD_REQUEST', detail));
}

/** Answers 404 if the path does not exist, 405 if the path does not take the method. */
export function handleMissingRoutes(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const url = pathOfTarget(request.url);
    const allowed = app.supportedMethods.filter(
      (method) => app.findRoute({ method, url }) !== null,
    );
    if (allowed.length === 0) {
      const detail = 'Nothing is at this path; see /docs.';
      send(request, reply, new StoreError('ROUTE_NOT_FOUND', detail));
      return;
    }
    const allow = allowed.toSorted().join(', ');
    const detail = `${request.method} is not allowed here; allowed: ${allow}.`;
    reply.header('allow', allow);
    send(request, reply, new StoreError('METHOD_NOT_ALLOWED', detail));
  });
}
