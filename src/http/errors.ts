// Turns whatever goes wrong during a request into a problem reply. Expected errors are StoreErrors
// and pass as they are; anything else is a bug, is logged, and tells the client nothing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { StoreError } from '../base/errors.ts';
import { problemOf, sendError, sendProblem } from './problem.ts';
import { faultOfHead, pathOfTarget } from './request-target.ts';

const readMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

function internalError(request: FastifyRequest): StoreError {
  return new StoreError('INTERNAL', 'The request failed for a reason of the server.', {
    outcome: readMethods.has(request.method) ? 'not-applied' : 'unknown',
  });
}

/** For errors that handlers throw and promises that reject. */
export function handleErrors(app: FastifyInstance, logger: Logger | false): void {
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof StoreError) {
      sendError(reply, error);
      return;
    }
    if (logger !== false) logger.error({ err: error, method: request.method }, 'request failed');
    sendError(reply, internalError(request));
  });
}

/** For requests that can not be routed at all: see `routedTarget`. */
export function sendUnroutable({ originalUrl, raw }: FastifyRequest, reply: FastifyReply): void {
  const fault = faultOfHead(raw);
  if (fault !== undefined) {
    // Where the framing may be in doubt, what follows must not be taken for a request.
    reply.raw.shouldKeepAlive = false;
    sendError(reply, fault);
    return;
  }
  const detail = originalUrl.includes('#')
    ? 'A request target has no fragment; write # as %23.'
    : 'The path is not valid percent-encoding of UTF-8.';
  sendError(reply, new StoreError('BAD_REQUEST', detail));
}

/** Tells a path that does not exist from one that does not take the method. */
export function handleMissingRoutes(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const url = pathOfTarget(request.url);
    const allowed = app.supportedMethods.filter((method) => app.findRoute({ method, url }));
    if (allowed.length === 0) {
      sendError(reply, new StoreError('ROUTE_NOT_FOUND', 'Nothing is at this path; see /docs.'));
      return;
    }
    const allow = allowed.toSorted().join(', ');
    const detail = `${request.method} is not allowed here; allowed: ${allow}.`;
    reply.header('allow', allow);
    sendProblem(reply, problemOf(new StoreError('METHOD_NOT_ALLOWED', detail)));
  });
}
