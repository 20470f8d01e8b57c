// Formats errors as application/problem+json (RFC 9457), with members that say what to do next.
// Must not choose the error: the caller has.
import { StoreError, errorSentences } from '../../base/errors.ts';
import type { AnswerSink } from './answer.ts';
import { statusOfError } from './status-of-error.ts';

export const problemMediaType = 'application/problem+json';

const retryAfterMsDefault = 1000;

/** A reply ready to be sent, by the framework or as text over a bare socket. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

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
    parameter: error.parameter,
    retryAfterMs: error.retryAfterMs,
  });
}

export function problemOf(error: StoreError): Problem {
  const status = statusOfError[error.code];
  const headers: Record<string, string> = {
    'content-type': problemMediaType,
    'x-content-type-options': 'nosniff',
  };
  if (status === 503) {
    const seconds = Math.ceil((error.retryAfterMs ?? retryAfterMsDefault) / 1000);
    headers['retry-after'] = String(Math.max(1, seconds));
  }
  if (error.code === 'ENCODING_UNSUPPORTED') headers['accept-encoding'] = 'identity';
  return { status, headers, body: bodyOf(error, status) };
}

/** The two refusals that are part of normal work, built once. */
export const keyNotFound = problemOf(new StoreError('KEY_NOT_FOUND', 'There is no such key.'));
export const conditionFailed = problemOf(
  new StoreError('CONDITION_FAILED', 'The entry is not in the state that the conditions ask for.'),
);

export function sendProblem(sink: AnswerSink, problem: Problem): void {
  // As bytes: the framework adds a charset to text of a JSON type, and JSON types have none.
  sink
    .code(problem.status)
    .headers({ ...problem.headers })
    .send(Buffer.from(problem.body));
}

export function sendError(sink: AnswerSink, error: StoreError): void {
  sendProblem(sink, problemOf(error));
}
