// Describes locks under /v1/locks. They are a dialect of their own, because names of locks need a mount.
import type { FastifyInstance } from 'fastify';
import type { Dialect } from '../../dialect.ts';
import type { RouteContext } from '../../route-context.ts';
import { answering } from '../../wire/answer.ts';
import { problemOf } from '../../wire/problem.ts';
import { LockHandlers } from './lock-handlers.ts';
import { lockMount } from './lock.ts';

function lockRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new LockHandlers(context);
  app.get(lockMount.target, { exposeHeadRoute: false }, answering(handlers.get));
  app.put(lockMount.target, answering(handlers.put));
  app.delete(lockMount.target, answering(handlers.delete));
  const { route: label, prefix } = lockMount;
  const bodiless = { label, bodyBytesMax: 0 };
  context.laneRoutes.addBelow(prefix, {
    GET: { ...bodiless, answer: handlers.get },
    PUT: { ...bodiless, answer: handlers.put },
    DELETE: { ...bodiless, answer: handlers.delete },
  });
}

export const locksDialect: Dialect = {
  name: 'locks',
  base: '/v1/locks',
  mount: lockMount,
  ownPaths: new Map(),
  isGetReadOnly: true,
  identityHeaders: ['if-match'],
  formatError: problemOf,
  routes: lockRoutes,
};
