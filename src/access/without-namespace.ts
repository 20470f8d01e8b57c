// Takes a namespace that is dropped out of all grants. A token that is left without a grant goes, too.
// Writes nothing: the drop does, at one moment with the rest.
import { encodeToken, namesOfToken, nameOfToken, type TokenRecord } from './access-records.ts';
import type { Callers } from './callers.ts';
import type { RecordChange } from './record-changes.ts';

/** Changes to the records of tokens. `apply` does in memory what they do in the store. */
export interface GrantChanges {
  readonly changes: readonly RecordChange[];
  readonly apply: () => void;
}

export function withoutNamespace(callers: Callers, name: string): GrantChanges {
  const kept: TokenRecord[] = [];
  const revoked: string[] = [];
  for (const { record } of callers.tokens()) {
    const grants = record.grants.filter(({ namespace }) => namespace !== name);
    if (grants.length === record.grants.length) continue;
    if (grants.length > 0) kept.push({ ...record, grants });
    else revoked.push(record.id);
  }
  const changes = [
    ...kept.map((record) => ({ name: nameOfToken(record.id), put: encodeToken(record) })),
    ...revoked.flatMap(namesOfToken).map((gone) => ({ name: gone, put: undefined })),
  ];
  const apply = (): void => {
    for (const record of kept) callers.changeToken(record);
    for (const id of revoked) callers.removeToken(id);
  };
  return { changes, apply };
}
