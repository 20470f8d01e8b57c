// Tells the outcome of an action for its record in the audit log: from a result of the store, from the
// reply of a command, or from an error. Pure functions.
import type { AuditRecord } from '../../audit/audit-record.ts';
import { unreachable } from '../../base/assert.ts';
import { StoreError } from '../../base/errors.ts';
import type { ReplyResult, Result } from '../../store/result.ts';

export type RecordedOutcome = Pick<AuditRecord, 'outcome' | 'error' | 'oldVersion' | 'newVersion'>;

const denials: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN_ORIGIN']);

/** True if the caller may not do it. */
export function isDenial({ code }: Pick<StoreError, 'code'>): boolean {
  return denials.has(code);
}

/** @param error as it was thrown; any but a StoreError is a bug, after which nothing is known */
export function outcomeOfError(error: unknown): RecordedOutcome {
  if (!(error instanceof StoreError)) return { outcome: 'unknown', error: 'INTERNAL' };
  const { code, outcome } = error;
  return { outcome: isDenial(error) ? 'denied' : outcome, error: code };
}

/** @param isWrite whether the operation would change something */
export function outcomeOfResult(result: Result | ReplyResult, isWrite: boolean): RecordedOutcome {
  switch (result.kind) {
    case 'entry':
      return { outcome: 'read', oldVersion: result.version };
    case 'missing':
      return { outcome: isWrite ? 'not-applied' : 'read', oldVersion: 0 };
    case 'written':
      return {
        outcome: 'applied',
        oldVersion: result.previousVersion,
        newVersion: result.version,
      };
    case 'deleted':
      return { outcome: 'applied', oldVersion: result.previousVersion, newVersion: 0 };
    case 'condition-failed':
      return { outcome: 'not-applied', oldVersion: result.version, error: 'CONDITION_FAILED' };
    case 'refused':
      return outcomeOfError(result.error);
    case 'reply':
      return outcomeOfReply(result, isWrite);
    default:
      return unreachable(result);
  }
}

/** The word with which an error of Redis begins. The rest may repeat arguments. */
const errorWord = /^[A-Z]+(?= |$)/;

function outcomeOfReply({ reply, hasChanged }: ReplyResult, isWrite: boolean): RecordedOutcome {
  if (reply.kind !== 'error') {
    if (!isWrite) return { outcome: 'read' };
    return { outcome: hasChanged === false ? 'not-applied' : 'applied' };
  }
  return { outcome: 'not-applied', error: errorWord.exec(reply.message)?.[0] ?? 'ERR' };
}
