// A store as the callers of an open server may use it: without a bound.
import { openAccess } from '../../../src/access/access.ts';
import type { AuthorizedStore } from '../../../src/http/access/authorized-store.ts';
import { RequestScopes } from '../../../src/http/access/request-scopes.ts';
import type { CommandStore } from '../../../src/store/store.ts';

export async function storeOfAnyone(store: CommandStore): Promise<AuthorizedStore> {
  const nowMs = (): number => store.timestamp();
  const { callers, namespaces } = await openAccess({ store, nowMs, namespacesMax: 100 });
  return new RequestScopes({ store, namespaces, nowMs }).storeOf(callers.anonymous);
}
