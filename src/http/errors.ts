// Turns whatever goes wrong during a request into a reply. Expected errors are StoreErrors and pass
// as they are; anything else is a bug, is logged, and tells the client nothing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { StoreError } from '../base/errors.ts';
import { problemFor } from './error-form.ts';
import { sendProblem } from './problem.ts';
import { faultOfHead, isCommandTarget, isMeant, pathOfTarget } from './request-target.ts';

const readMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

function internalError({ method, originalUrl }: FastifyRequest): StoreError {
  const isRead = readMethods.has(method) && !isCommandTarget(originalUrl);
  return new StoreError('INTERNAL', 'The request failed for a reason of the server.', {
    outcome: isRead ? 'not-applied' : 'unknown',
  });
}

function send({ originalUrl }: FastifyRequest, reply: FastifyReply, error: StoreError): void {
  sendProblem(reply, problemFor(originalUrl, error));
}

/** For errors that handlers throw and promises that reject. */
export function handleErrors(app: FastifyInstance, logger: Logger | false): void {
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof StoreError) {
      send(request, reply, error);
      return;
    }
    if (logger !== false) logger.error({ err: error, method: request.method }, 'request failed');
    send(request, reply, internalError(request));
  });
}

/** For requests that can not be routed at all: see `routedTarget`. */
export function sendUnroutable(request: FastifyRequest, reply: FastifyReply): void {
  const fault = faultOfHead(request.raw);
  if (fault !== undefined) {
    // Where the framing may be in doubt, what follows must not be taken for a request.
    reply.raw.shouldKeepAlive = false;
    send(request, reply, fault);
    return;
  }
  const detail = request.originalUrl.includes('#')
    ? 'A request target has no fragment; write # as %23.'
    : 'The path is not valid percent-encoding of UTF-8.';
  send(request, reply, new StoreError('BAD_REQUEST', detail));
}

/** Tells a path that does not exist from one that does not take the method. */
export function handleMissingRoutes(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const url = pathOfTarget(request.url);
    const allowed = app.supportedMethods.filter((method) => {
      const route = app.findRoute({ method, url });
      return route !== null && isMeant(route);
    });
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
