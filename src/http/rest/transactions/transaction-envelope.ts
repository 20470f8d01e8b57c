// Reads a transaction. One faulty item makes the whole transaction faulty. The error names that
// item by its place: `operations[2]`. Runs nothing.
import { StoreError } from '../../../base/errors.ts';
import {
  badMember,
  isObject,
  refuseUnknownMembers,
  type JsonObject,
} from '../../../base/json-object.ts';
import type { GetOperation } from '../../../store/operation.ts';
import { parseEnvelope } from '../json/json-envelope.ts';
import { isVersion, putMembersOf, valueOfItem, type ItemRules } from '../json/json-item.ts';
import { keyOfJson } from '../keys/key.ts';
import type { MomentOperation } from '../../../store/moment-run.ts';
import type { Check, Transaction } from './transaction-plan.ts';

export interface TransactionRules extends ItemRules {
  /** The most checks, operations and reads of `otherwise` together. */
  readonly batchOperationsMax: number;
}

const checkMembers = new Set(['key', 'version', 'exists', 'value', 'valueBase64']);
const statements = ['version', 'exists', 'value', 'valueBase64'] as const;

const readMembers = new Set(['op', 'key']);
const membersOfOp: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ['get', readMembers],
  ['put', new Set([...readMembers, 'value', 'valueBase64', 'ttl'])],
  ['delete', readMembers],
  ['increment', new Set([...readMembers, 'by'])],
]);

function objectOf(json: unknown): JsonObject {
  if (!isObject(json)) throw badMember(undefined, 'This must be an object.');
  return json;
}

/** A check may name a value of any length. If no entry can be as long, the check does not hold. */
function checkOf(json: unknown, { namespace, keyBytesMax }: ItemRules): Check {
  const item = objectOf(json);
  refuseUnknownMembers(item, checkMembers);
  const key = keyOfJson(item['key'], keyBytesMax);
  const given = statements.filter((member) => item[member] !== undefined);
  if (given.length !== 1) {
    throw badMember(
      undefined,
      'A check has exactly one of version, exists, value and valueBase64.',
    );
  }
  const { version, exists } = item;
  if (version !== undefined) {
    if (isVersion(version)) return { namespace, key, must: 'have-version', version };
    throw badMember('version', 'version must be a positive integer.');
  }
  if (exists !== undefined) {
    if (typeof exists !== 'boolean') throw badMember('exists', 'exists must be true or false.');
    return { namespace, key, must: exists ? 'exist' : 'be-missing' };
  }
  return { namespace, key, must: 'have-value', value: valueOfItem(item) };
}

function refuseConditions(item: JsonObject): void {
  const condition = ['ifMatch', 'ifNoneMatch'].find((name) => Object.hasOwn(item, name));
  if (condition === undefined) return;
  const detail = `An operation of a transaction has no ${condition}: state it in checks.`;
  throw badMember(condition, detail);
}

function byOf(by: unknown = 1): bigint {
  if (typeof by === 'number' && Number.isSafeInteger(by)) return BigInt(by);
  // JavaScript does not read JSON numbers beyond this bound exactly.
  const bound = Number.MAX_SAFE_INTEGER;
  throw badMember('by', `by must be an integer from -${bound} to ${bound}.`);
}

function operationOf(json: unknown, rules: ItemRules, nowMs: number): MomentOperation {
  const { namespace } = rules;
  const item = objectOf(json);
  const { op } = item;
  const members = membersOfOp.get(op);
  if (members === undefined) {
    throw badMember('op', 'op must be "get", "put", "delete" or "increment".');
  }
  refuseConditions(item);
  refuseUnknownMembers(item, members);
  const key = keyOfJson(item['key'], rules.keyBytesMax);
  if (op === 'increment') return { op, namespace, key, by: byOf(item['by']) };
  if (op === 'get' || op === 'delete') return { op, namespace, key };
  return { op: 'put', namespace, key, ...putMembersOf(item, rules.valueBytesMax, nowMs) };
}

function readOf(json: unknown, rules: ItemRules): GetOperation {
  const item = objectOf(json);
  if (item['op'] !== 'get') throw badMember('op', 'op must be "get": otherwise may only read.');
  refuseConditions(item);
  refuseUnknownMembers(item, readMembers);
  return { op: 'get', namespace: rules.namespace, key: keyOfJson(item['key'], rules.keyBytesMax) };
}

/** The same error, with the place of the item. */
function placed(error: StoreError, place: string): StoreError {
  const { code, message, limit, parameter } = error;
  const member = parameter === undefined ? place : `${place}.${parameter}`;
  return new StoreError(code, `${place}: ${message}`, { limit, parameter: member });
}

/** Reads the items of all lists in order. Reports a malformed item before one that is too large. */
class Items {
  #tooLarge: StoreError | undefined;

  read<Item>(name: string, list: readonly unknown[], parse: (json: unknown) => Item): Item[] {
    return list.flatMap((json, index) => {
      try {
        return [parse(json)];
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        const named = placed(error, `${name}[${index}]`);
        if (named.code !== 'VALUE_TOO_LARGE') throw named;
        this.#tooLarge ??= named;
        return [];
      }
    });
  }

  refuseTooLarge(): void {
    if (this.#tooLarge !== undefined) throw this.#tooLarge;
  }
}

/**
 * @param nowMs bounds a time to live: its deadline must be an exact number
 * @throws StoreError naming the fault
 */
export function parseTransaction(
  body: Buffer,
  rules: TransactionRules,
  nowMs: number,
): Transaction {
  const { batchOperationsMax: itemsMax } = rules;
  const lists = parseEnvelope(body, {
    members: ['checks', 'operations', 'otherwise'],
    itemsMax,
    tooMany: `A transaction may have at most ${itemsMax} checks and operations, those of otherwise among them.`,
  });
  const listOf = (name: string): readonly unknown[] => lists.get(name) ?? [];
  if (listOf('checks').length + listOf('operations').length === 0) {
    throw badMember('operations', 'A transaction has at least one check or one operation.');
  }
  const items = new Items();
  const checks = items.read('checks', listOf('checks'), (json) => checkOf(json, rules));
  const operations = items.read('operations', listOf('operations'), (json) =>
    operationOf(json, rules, nowMs),
  );
  const otherwise = items.read('otherwise', listOf('otherwise'), (json) => readOf(json, rules));
  items.refuseTooLarge();
  return { checks, operations, otherwise };
}
