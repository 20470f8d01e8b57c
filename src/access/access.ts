// Puts the parts of access together over one store.
import type { Store } from '../store/store.ts';
import { Administration, randomIds, type NewIds } from './administration.ts';
import { Callers } from './callers.ts';
import { loadCallers } from './load-access.ts';
import { loadNamespaces } from './load-namespaces.ts';
import { Namespaces } from './namespaces.ts';
import { RecordChanges } from './record-changes.ts';
import { ServerTokens, type ServerTokensOptions } from './server-tokens.ts';
import { TokenUses } from './token-uses.ts';
import type { Sleep } from './until-known.ts';

export interface AccessOptions {
  readonly store: Store;
  /** The time by which tokens expire: Unix milliseconds that never go back. */
  readonly nowMs: () => number;
  /** Given at the start; the store has no record of them. */
  readonly serverTokens?: ServerTokensOptions;
  /** The most namespaces, the default one among them. */
  readonly namespacesMax: number;
  /** Runs the work after so many milliseconds. Default: a timer that lets the process end. */
  readonly later?: (ms: number, work: () => void) => void;
  /** Default: random ones. */
  readonly newIds?: NewIds;
}

export interface Access {
  readonly callers: Callers;
  readonly administration: Administration;
  readonly namespaces: Namespaces;
  readonly uses: TokenUses;
  /** The time by which tokens expire: Unix milliseconds that never go back. */
  readonly nowMs: () => number;
  /** Writes what is noted. The caller awaits this before it closes the store. */
  readonly close: () => Promise<void>;
}

const byTimer = (ms: number, work: () => void): void => void setTimeout(work, ms).unref();

/** @throws StoreError STORE_MISMATCH; SHARD_UNAVAILABLE if a shard does not serve */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { store, nowMs, serverTokens = {}, namespacesMax, later = byTimer } = options;
  const { newIds = randomIds } = options;
  let isClosed = false;
  // Ends loops that wait for a store that is closed.
  const sleep: Sleep = (ms) =>
    new Promise((resolve) => later(ms, () => void (isClosed || resolve())));
  const callers = new Callers(new ServerTokens(serverTokens));
  const records = new RecordChanges({ store, sleep });
  const namespaces = new Namespaces({ store, records, callers, namespacesMax, nowMs, sleep });
  await Promise.all([
    loadCallers(store, callers),
    loadNamespaces({ store, records, namespaces, nowMs }),
  ]);
  const administration = new Administration({ callers, records, nowMs, newIds });
  const uses = new TokenUses({ store, records, later });
  const close = async (): Promise<void> => {
    isClosed = true;
    await uses.write();
  };
  return { callers, administration, namespaces, uses, nowMs, close };
}
