// The stored form of namespaces that were made: JSON documents in a namespace that no client can
// name. A record goes into the shard of the entry that made its namespace, so both are put in one
// line. Asks no store.
import { StoreError } from '../base/errors.ts';
import { isObject, type JsonObject } from '../base/json-object.ts';
import { isNamespaceName } from '../base/namespace-name.ts';
import type { EntryName } from '../store/operation.ts';
import { slotOfKey } from '../store/slot.ts';
import { tagOfSlot } from '../store/slot-tag.ts';
import {
  isAudit,
  isQuota,
  namespaceDefaults,
  type NamespaceSettings,
} from './namespace-settings.ts';

export const namespacesNamespace = '~namespaces';

export interface NamespaceRecord extends NamespaceSettings {
  readonly name: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** @param beside the record goes into the shard of this key, for any number of shards */
export function nameOfNamespace(name: string, beside: string): EntryName {
  return { namespace: namespacesNamespace, key: tagOfSlot(slotOfKey(beside)) + name };
}

export function encodeNamespace(record: NamespaceRecord): Buffer {
  const { createdAt, keysMax, bytesMax, audit } = record;
  return Buffer.from(JSON.stringify({ createdAt, keysMax, bytesMax, audit }));
}

function recordOf(name: string, document: JsonObject): NamespaceRecord | undefined {
  const { createdAt, keysMax, bytesMax, audit = namespaceDefaults.audit } = document;
  if (!isNamespaceName(name) || !Number.isSafeInteger(createdAt)) return undefined;
  if (!isQuota(keysMax) || !isQuota(bytesMax) || !isAudit(audit)) return undefined;
  return { name, createdAt: Number(createdAt), keysMax, bytesMax, audit };
}

/**
 * Reads an entry of `namespacesNamespace`.
 *
 * @throws StoreError STORE_MISMATCH
 */
export function decodeNamespace(key: string, value: Uint8Array): NamespaceRecord {
  let cause: unknown;
  try {
    const document: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    const name = key.slice(key.indexOf('}') + 1);
    const record = isObject(document) ? recordOf(name, document) : undefined;
    if (record !== undefined) return record;
  } catch (error) {
    cause = error;
  }
  const detail =
    `The entry ${JSON.stringify(key)} of namespace ${namespacesNamespace} is no record of a ` +
    'namespace that this version of the program knows.';
  throw new StoreError('STORE_MISMATCH', detail, {}, cause);
}
