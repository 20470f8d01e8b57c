// Writes the server's own errors in the form that clients of this protocol read. Chooses no error
// and no status.
import { byteStringOfText } from '../../base/byte-string.ts';
import type { StoreError } from '../../base/errors.ts';
import { error as errorReply, type Reply } from '../../commands/reply.ts';
import { jsonAnswer, type Answer } from '../wire/answer.ts';
import { problemOf } from '../wire/problem.ts';
import { envelope } from './envelope.ts';

/** The message comes first, as in Redis. The code and the outcome follow. */
export function replyOfError({ code, outcome, message }: StoreError): Reply {
  return errorReply(byteStringOfText(`${message} (${code}, ${outcome})`));
}

/** The error as the answer to a whole request. */
export function upstashProblemOf(error: StoreError): Answer {
  const { status, headers } = problemOf(error);
  return jsonAnswer(status, envelope(replyOfError(error), 'text'), headers);
}
