// Reads one item of a batch. Each fault is a StoreError, which becomes the result of this item
// alone. Knows nothing of the other items.
import {
  badMember,
  isObject,
  refuseUnknownMembers,
  type JsonObject,
} from '../../../base/json-object.ts';
import { conditionVersionsMax } from '../../../base/limits.ts';
import type { Conditions, Operation, VersionMatch } from '../../../store/operation.ts';
import { isVersion, putMembersOf, type ItemRules } from '../json/json-item.ts';
import { keyOfJson } from '../keys/key.ts';

/** An operation, and the conditions that the front end judges itself: those of a read. */
export interface BatchItem {
  readonly operation: Operation;
  readonly readConditions: Conditions | undefined;
}

const readMembers = new Set(['op', 'key', 'ifMatch', 'ifNoneMatch']);
const membersOfOp: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ['get', readMembers],
  ['put', new Set([...readMembers, 'value', 'valueBase64', 'ttl'])],
  ['delete', readMembers],
]);

function matchOf(item: JsonObject, member: 'ifMatch' | 'ifNoneMatch'): VersionMatch | undefined {
  const json = item[member];
  if (json === undefined || json === '*') return json;
  const versions: unknown[] = Array.isArray(json) ? json : [json];
  const isCountValid = versions.length > 0 && versions.length <= conditionVersionsMax;
  if (isCountValid && versions.every(isVersion)) return versions;
  const lists = `a list of 1 to ${conditionVersionsMax} versions`;
  throw badMember(member, `${member} must be a version, ${lists}, or "*".`);
}

/**
 * @param nowMs bounds a time to live: its deadline must be an exact number
 * @throws StoreError naming the fault of the item
 */
export function parseBatchItem(json: unknown, rules: ItemRules, nowMs: number): BatchItem {
  if (!isObject(json)) throw badMember('operations', 'An operation must be an object.');
  const { namespace } = rules;
  const members = membersOfOp.get(json['op']);
  if (members === undefined) throw badMember('op', 'op must be "get", "put" or "delete".');
  refuseUnknownMembers(json, members);
  const key = keyOfJson(json['key'], rules.keyBytesMax);
  const ifMatch = matchOf(json, 'ifMatch');
  const ifNoneMatch = matchOf(json, 'ifNoneMatch');
  if (json['op'] === 'get') {
    const none = ifMatch === undefined && ifNoneMatch === undefined;
    const readConditions = none ? undefined : { ifMatch, ifNoneMatch };
    return { operation: { op: 'get', namespace, key }, readConditions };
  }
  if (json['op'] === 'delete') {
    const operation = { op: 'delete', namespace, key, ifMatch, ifNoneMatch } as const;
    return { operation, readConditions: undefined };
  }
  const { value, ttlMs } = putMembersOf(json, rules.valueBytesMax, nowMs);
  const operation = { op: 'put', namespace, key, value, ttlMs, ifMatch, ifNoneMatch } as const;
  return { operation, readConditions: undefined };
}
