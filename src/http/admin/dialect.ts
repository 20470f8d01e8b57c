// Describes the administration of users, tokens and namespaces under /v1/admin.
import type { Dialect } from '../dialect.ts';
import { problemOf } from '../wire/problem.ts';
import { namespaceRoutes } from './namespace-routes.ts';
import { userRoutes } from './user-routes.ts';

export const adminDialect: Dialect = {
  name: 'admin',
  base: '/v1/admin',
  ownPaths: new Map(),
  isGetReadOnly: true,
  // It is about namespaces, and in none.
  namesNamespaces: true,
  identityHeaders: [],
  formatError: problemOf,
  routes(app, context) {
    userRoutes(app, context);
    namespaceRoutes(app, context);
  },
};
