// Writes the server's own errors in the form that clients of this protocol read. Chooses no error
// and no status.
import { byteStringOfText } from '../../base/byte-string.ts';
import type { StoreError } from '../../base/errors.ts';
import { error as errorReply, type Reply } from '../../commands/reply.ts';
import { problemOf, type Problem } from '../wire/problem.ts';
import { envelope } from './envelope.ts';

/** The message comes first, as in Redis. The code and the outcome follow. */
export function replyOfError({ code, outcome, message }: StoreError): Reply {
  return errorReply(byteStringOfText(`${message} (${code}, ${outcome})`));
}

/** The error as the answer to a whole request. */
export function upstashProblemOf(error: StoreError): Problem {
  const { status, headers } = problemOf(error);
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: envelope(replyOfError(error), 'text'),
  };
}
