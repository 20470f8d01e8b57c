// Answers about one key: status and headers of each result. This is the server's hot path: the answer to
// a small read has no headers yet, and its transport writes them in one piece. Knows no store, only
// results, and no transport.
import { unreachable } from '../../../base/assert.ts';
import { conditionsHold } from '../../../store/conditions.ts';
import type { Conditions } from '../../../store/operation.ts';
import type { EntryResult, Result, Sight } from '../../../store/result.ts';
import { emptyAnswer, type Answer } from '../../wire/answer.ts';
import { conditionFailed, keyNotFound, problemOf } from '../../wire/problem.ts';
import { etagOf, type KeyAnswer } from '../../wire/value-answer.ts';
import type { ValueLabel } from './value-label.ts';

const noConditions: Conditions = {};

function conditionFailedAnswer(version: number): Answer {
  if (version === 0) return conditionFailed;
  return { ...conditionFailed, headers: { ...conditionFailed.headers, etag: etagOf(version) } };
}

/** The headers of every reply about an entry, whether or not the value follows. */
function headersOfEntry({ version, expiresAt }: EntryResult): Record<string, string> {
  const headers = { etag: etagOf(version), vary: 'Accept' };
  return expiresAt === undefined
    ? headers
    : { ...headers, 'holdfast-expires-at': String(expiresAt) };
}

/**
 * Answers a read that found an entry. Judges conditions in the order of RFC 9110 section 13.2.2.
 *
 * @param conditions undefined if the read has none
 */
export function answerOfEntry(
  entry: EntryResult,
  label: ValueLabel,
  conditions: Conditions | undefined,
): KeyAnswer {
  if (conditions !== undefined) {
    const { ifMatch, ifNoneMatch } = conditions;
    if (!conditionsHold({ ifMatch }, entry.version)) return conditionFailedAnswer(entry.version);
    if (!conditionsHold({ ifNoneMatch }, entry.version)) {
      return emptyAnswer(304, headersOfEntry(entry));
    }
  }
  const { value } = entry;
  if (value !== undefined) return { entry, value, label };
  const described = { 'content-type': label, 'content-length': String(entry.size) };
  return emptyAnswer(200, { ...headersOfEntry(entry), ...described });
}

/**
 * True if a client that has sent these conditions holds just this: the answer would be 304, or 404 to a
 * client that holds no entry.
 */
export function isHeldByClient(
  sight: Sight,
  { ifMatch, ifNoneMatch }: Conditions = noConditions,
): boolean {
  if (sight.kind !== 'entry') return sight.kind === 'missing' && ifNoneMatch === undefined;
  const { version } = sight;
  return conditionsHold({ ifMatch }, version) && !conditionsHold({ ifNoneMatch }, version);
}

/** Answers a write, whose conditions the store has judged already, or a read that found nothing. */
export function answerOfWrite(result: Exclude<Result, EntryResult>): Answer {
  switch (result.kind) {
    case 'missing':
      return keyNotFound;
    case 'written': {
      const headers = {
        etag: etagOf(result.version),
        'holdfast-durability': result.durability,
      };
      return emptyAnswer(result.created ? 201 : 204, headers);
    }
    case 'deleted':
      return emptyAnswer(204, { 'holdfast-durability': result.durability });
    case 'condition-failed':
      return conditionFailedAnswer(result.version);
    case 'refused':
      return problemOf(result.error);
    default:
      return unreachable(result);
  }
}
