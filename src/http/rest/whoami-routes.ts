// GET /v1/whoami: tells a caller under which name and with which rights the server knows it.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { viewOfCaller } from '../../access/views.ts';
import { callerOf } from '../access/request-scopes.ts';
import { answering, jsonAnswer, type Answer } from '../wire/answer.ts';
import { queryText } from '../wire/request-target.ts';
import { parseQuery } from './query.ts';

function whoami(request: FastifyRequest): Answer {
  parseQuery(queryText(request), []);
  return jsonAnswer(200, JSON.stringify(viewOfCaller(callerOf(request))));
}

export function whoamiRoutes(app: FastifyInstance): void {
  app.get('/v1/whoami', answering(whoami));
}
