// Describes the REST protocol of Upstash Redis under /upstash, and at `/` for clients whose address
// has no path. Errors are `{"error"}`.
import type { Dialect } from '../dialect.ts';
import { commandMount, rootCommandMount } from './command-of-path.ts';
import { upstashProblemOf } from './error-reply.ts';
import { upstashRoutes } from './upstash-routes.ts';

export const upstashDialect: Dialect = {
  name: 'upstash',
  base: '/upstash',
  mount: commandMount,
  ownPaths: new Map([
    ['/upstash/pipeline', '/upstash/pipeline'],
    ['/upstash/multi-exec', '/upstash/multi-exec'],
    // Some clients put a slash after their base address.
    ['/upstash/', '/upstash'],
  ]),
  // Commands come by any method.
  isGetReadOnly: false,
  identityHeaders: ['upstash-encoding', 'upstash-response-format'],
  tokenParameter: '_token',
  formatError: upstashProblemOf,
  routes: upstashRoutes,
};

/**
 * The same protocol at `/`, with the routes of the one under /upstash.
 *
 * @param foreignSegments the first segments of all paths that have other routes
 */
export function upstashAtRoot(foreignSegments: ReadonlySet<string>): Dialect {
  return {
    ...upstashDialect,
    base: '',
    foreignSegments,
    mount: rootCommandMount,
    ownPaths: new Map([
      ['/pipeline', '/upstash/pipeline'],
      ['/multi-exec', '/upstash/multi-exec'],
      ['/', '/upstash'],
    ]),
    routes: () => undefined,
  };
}
