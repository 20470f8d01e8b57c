// A dialect is one protocol that clients speak, with its paths, errors and routes. Each dialect's
// folder exports one descriptor, and src/http/dialect-list.ts lists them.
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './route-context.ts';
import type { DialectTraits } from './wire/dialects.ts';

export interface Dialect extends DialectTraits {
  routes(app: FastifyInstance, context: RouteContext): void | Promise<void>;
}
