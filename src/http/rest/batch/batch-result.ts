// Writes the results of a batch as JSON text. Each result has the status that its single request
// would have had. Knows an operation only by its result.
import { unreachable } from '../../../base/assert.ts';
import type { StoreError } from '../../../base/errors.ts';
import { conditionsHold } from '../../../store/conditions.ts';
import type { Conditions } from '../../../store/operation.ts';
import type { EntryResult, Result } from '../../../store/result.ts';
import { statusOfError } from '../../wire/status-of-error.ts';
import { valueMember } from '../json/json-text.ts';

const missingText = `{"status":404,"code":"KEY_NOT_FOUND"}`;

function conditionFailedText(version: number): string {
  const standing = version === 0 ? '' : `,"version":${version}`;
  return `{"status":412,"code":"CONDITION_FAILED"${standing}}`;
}

function entryText({ version, expiresAt, value }: EntryResult): string {
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const content = value === undefined ? '' : `,${valueMember(value)}`;
  return `{"status":200,"version":${version}${expiry}${content}}`;
}

/** Judges the conditions of a get in the order of RFC 9110 section 13.2.2. */
function entryTextIf(entry: EntryResult, { ifMatch, ifNoneMatch }: Conditions): string {
  if (!conditionsHold({ ifMatch }, entry.version)) return conditionFailedText(entry.version);
  if (conditionsHold({ ifNoneMatch }, entry.version)) return entryText(entry);
  const { version, expiresAt } = entry;
  return JSON.stringify({ status: 304, version, expiresAt });
}

/** One error often answers many operations, such as all that wait for an unavailable shard. */
const errorTexts = new WeakMap<StoreError, string>();

export function errorText(error: StoreError): string {
  let text = errorTexts.get(error);
  if (text === undefined) errorTexts.set(error, (text = newErrorText(error)));
  return text;
}

function newErrorText(error: StoreError): string {
  const { code, message, retryable, outcome, limit, present, parameter, retryAfterMs } = error;
  const status = statusOfError[code];
  const known = { status, code, detail: message, retryable, outcome };
  return JSON.stringify({ ...known, limit, present, parameter, retryAfterMs });
}

/** @param conditions those of a get; the store has judged those of a write already */
export function resultText(result: Result, conditions: Conditions | undefined): string {
  switch (result.kind) {
    case 'entry':
      return conditions === undefined ? entryText(result) : entryTextIf(result, conditions);
    case 'missing':
      return missingText;
    case 'written': {
      const { created, version, durability } = result;
      return `{"status":${created ? 201 : 204},"version":${version},"durability":"${durability}"}`;
    }
    case 'deleted':
      return `{"status":204,"durability":"${result.durability}"}`;
    case 'condition-failed':
      return conditionFailedText(result.version);
    case 'refused':
      return errorText(result.error);
    default:
      return unreachable(result);
  }
}
