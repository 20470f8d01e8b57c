// The services that the routes of all dialects share. Knows no dialect.
import type { Access } from '../access/access.ts';
import type { Clock } from '../base/clock.ts';
import type { RequestAudits } from './audit/request-audits.ts';
import type { RequestScopes } from './access/request-scopes.ts';
import type { UnsentReplies } from './connections/unsent-replies.ts';
import type { IdempotentRequests } from './idempotency/idempotent-requests.ts';
import type { IdentityOf } from './idempotency/request-identity.ts';
import type { LaneRoutes } from './lane/lane-routes.ts';
import type { HttpLimits } from './limits.ts';
import type { ConcurrencyLimiter } from './overload/concurrency-limiter.ts';
import type { Locks } from '../locks/locks.ts';
import type { Waits } from './waits/waits.ts';
import type { LargeRequests } from './overload/large-requests.ts';

export interface RouteContext {
  /** The one way from a request to the store. */
  readonly scopes: RequestScopes;
  /** True if the engine takes backups. */
  readonly takesBackups: boolean;
  /** Users, tokens and namespaces, for those who administer them. */
  readonly access: Access;
  /** For actions that are about no entry; the store of a scope has its operations recorded. */
  readonly audits: RequestAudits;
  readonly clock: Clock;
  readonly replies: UnsentReplies;
  /** Requests that wait for a change. */
  readonly waits: Waits;
  readonly locks: Locks;
  readonly work: ConcurrencyLimiter;
  readonly large: LargeRequests;
  readonly limits: HttpLimits;
  readonly idempotency: IdempotentRequests;
  readonly identityOf: IdentityOf;
  /** Dialects add the routes that the fast lane serves, too. */
  readonly laneRoutes: LaneRoutes;
}
