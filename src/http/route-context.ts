// What the routes of all dialects share. Knows no dialect.
import type { Clock } from '../base/clock.ts';
import type { CommandStore } from '../store/store.ts';
import type { BodyReader } from './body/body-reader.ts';
import type { IdempotentRequests } from './idempotency/idempotent-requests.ts';
import type { HttpLimits } from './limits.ts';
import type { ConcurrencyLimiter } from './overload/concurrency-limiter.ts';
import type { LargeRequestQueue } from './overload/large-request-queue.ts';
import type { ReplyMemoryBudget } from './overload/reply-memory-budget.ts';

export interface RouteContext {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly bodies: BodyReader;
  readonly work: ConcurrencyLimiter;
  readonly turns: LargeRequestQueue;
  readonly values: ReplyMemoryBudget;
  readonly limits: HttpLimits;
  readonly idempotency: IdempotentRequests;
}
