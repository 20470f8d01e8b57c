// A store as the callers of an open server may use it: without a bound.
import { Callers } from '../../../src/access/callers.ts';
import { ServerTokens } from '../../../src/access/server-tokens.ts';
import { AuthorizedStore } from '../../../src/http/access/authorized-store.ts';
import type { CommandStore } from '../../../src/store/store.ts';

export function storeOfAnyone(store: CommandStore): AuthorizedStore {
  const { anonymous } = new Callers(new ServerTokens({}));
  return new AuthorizedStore(anonymous, { store, wallMs: () => 0 });
}
