// Describes the REST interface under /v1.
import type { Dialect } from '../dialect.ts';
import { problemOf } from '../wire/problem.ts';
import { backupRoutes } from './backup-routes.ts';
import { batchRoutes } from './batch/batch-routes.ts';
import { keyRoutes } from './keys/key-routes.ts';
import { keyMount } from './keys/key.ts';
import { listRoutes } from './listing/list-routes.ts';
import { transactionRoutes } from './transactions/transaction-routes.ts';
import { whoamiRoutes } from './whoami-routes.ts';

export const restDialect: Dialect = {
  name: 'rest',
  base: '/v1',
  mount: keyMount,
  ownPaths: new Map(),
  isGetReadOnly: true,
  identityHeaders: ['if-match', 'if-none-match', 'x-ttl'],
  formatError: problemOf,
  routes(app, context) {
    keyRoutes(app, context);
    listRoutes(app, context);
    batchRoutes(app, context);
    transactionRoutes(app, context);
    backupRoutes(app, context);
    whoamiRoutes(app);
  },
};
