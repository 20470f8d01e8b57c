// Describes the protocol of unstorage's `http` driver under /unstorage. Errors are problem+json.
import type { Dialect } from '../dialect.ts';
import { problemOf } from '../wire/problem.ts';
import { itemMount } from './item.ts';
import { unstorageRoutes } from './unstorage-routes.ts';

export const unstorageDialect: Dialect = {
  name: 'unstorage',
  base: '/unstorage',
  mount: itemMount,
  ownPaths: new Map(),
  isGetReadOnly: true,
  namesNamespaces: true,
  identityHeaders: ['x-ttl'],
  formatError: problemOf,
  routes: unstorageRoutes,
};
