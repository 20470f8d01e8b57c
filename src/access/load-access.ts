// Brings the registry of users and tokens up to the records of the store, at a start.
import type { Store } from '../store/store.ts';
import { accessNamespace, decodeAccessRecord, type AccessRecord } from './access-records.ts';
import type { Callers } from './callers.ts';
import { readDocuments } from './stored-documents.ts';

/**
 * The caller awaits this before the first request.
 *
 * @throws StoreError STORE_MISMATCH; SHARD_UNAVAILABLE if a shard does not serve
 */
export async function loadCallers(store: Pick<Store, 'list'>, callers: Callers): Promise<void> {
  const documents = await readDocuments(store, accessNamespace);
  const records = documents.map(({ key, value }) => decodeAccessRecord(key, value));
  const userById = new Map(
    recordsOf(records, 'user').map(({ user }) => [user.id, callers.putUser(user)] as const),
  );
  for (const { token } of recordsOf(records, 'token')) {
    const user = userById.get(token.userId);
    // The user and all tokens go in one transaction, so only a repair can leave one behind.
    if (user !== undefined) callers.addToken(user, token);
  }
  for (const { use } of recordsOf(records, 'use')) {
    const token = callers.token(use.tokenId);
    if (token !== undefined) token.lastUsedAt = use.lastUsedAt;
  }
  const [rule] = recordsOf(records, 'rule');
  callers.setRequired(rule?.isTokenRequired ?? callers.tokenCount > 0);
}

function recordsOf<Kind extends AccessRecord['kind']>(
  records: readonly AccessRecord[],
  kind: Kind,
): readonly Extract<AccessRecord, { readonly kind: Kind }>[] {
  return records.filter(
    (record): record is Extract<AccessRecord, { readonly kind: Kind }> => record.kind === kind,
  );
}
