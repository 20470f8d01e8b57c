// Formats errors as application/problem+json (RFC 9457), with members that say what to do next.
// Must not choose the error: the caller has.
import { StoreError, errorSentences } from '../../base/errors.ts';
import { contentAnswer, type Answer } from './answer.ts';
import { statusOfError } from './status-of-error.ts';

export const problemMediaType = 'application/problem+json';

const retryAfterMsDefault = 1000;

function bodyOf(error: StoreError, status: number): string {
  return JSON.stringify({
    type: `urn:holdfast:error:${error.code}`,
    title: errorSentences[error.code],
    status,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    outcome: error.outcome,
    limit: error.limit,
    present: error.present,
    parameter: error.parameter,
    retryAfterMs: error.retryAfterMs,
    expiresAt: error.expiresAt,
  });
}

export function problemOf(error: StoreError): Answer {
  const status = statusOfError[error.code];
  const headers: Record<string, string> = {};
  if (status === 503 || status === 429 || error.code === 'LOCK_HELD') {
    const seconds = Math.ceil((error.retryAfterMs ?? retryAfterMsDefault) / 1000);
    headers['retry-after'] = String(Math.max(1, seconds));
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (error.code === 'ENCODING_UNSUPPORTED') headers['accept-encoding'] = 'identity';
  return contentAnswer(status, problemMediaType, bodyOf(error, status), headers);
}

/** Refusals that are part of normal work are built once. */
export const keyNotFound = problemOf(new StoreError('KEY_NOT_FOUND', 'There is no such key.'));
export const conditionFailed = problemOf(
  new StoreError('CONDITION_FAILED', 'The entry is not in the state that the conditions ask for.'),
);
