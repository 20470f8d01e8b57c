// Users and namespaces over a store in memory, for tests. Requests are short, and time is manual.
import { openAccess, type Access, type AccessOptions } from '../../../src/access/access.ts';
import { grantsOfJson, type GrantDocument } from '../../../src/access/grant.ts';
import type { TokenRequest } from '../../../src/access/token-request.ts';
import type { Store } from '../../../src/store/store.ts';
import { ManualClock } from '../simulated/manual-clock.ts';
import { ManualTimers } from '../simulated/manual-timers.ts';

export interface TestAccess extends Access {
  readonly clock: ManualClock;
  readonly timers: ManualTimers;
}

export async function openTestAccess(
  store: Store,
  options: Partial<AccessOptions> & { readonly clock?: ManualClock } = {},
): Promise<TestAccess> {
  const { clock = new ManualClock() } = options;
  const timers = new ManualTimers();
  const { later } = timers;
  const nowMs = (): number => clock.wallMs();
  const access = await openAccess({ store, nowMs, namespacesMax: 10, later, ...options });
  return { ...access, clock, timers };
}

export const admin: GrantDocument = { namespace: '*', role: 'admin' };

export function tokenRequest(
  grants: readonly GrantDocument[] = [admin],
  rest: Partial<TokenRequest> = {},
): TokenRequest {
  return {
    name: 'laptop',
    grants: grantsOfJson(grants),
    expiresAt: undefined,
    requestsPerSecond: undefined,
    writtenBytesPerSecond: undefined,
    ...rest,
  };
}
