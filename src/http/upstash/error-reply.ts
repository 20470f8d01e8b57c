// Writes the server's own errors in the form that clients of this protocol read. Chooses no error
// and no status.
import { byteStringOfText } from '../../base/byte-string.ts';
import type { ErrorCode, StoreError } from '../../base/errors.ts';
import { error as errorReply, type Reply } from '../../commands/reply.ts';
import { jsonAnswer, type Answer } from '../wire/answer.ts';
import { problemOf } from '../wire/problem.ts';
import { envelope } from './envelope.ts';

/** Clients know these texts, which are those of Redis (ACL). Undefined for any other error. */
function textOfRefusal({ code, parameter }: StoreError, command: string | undefined) {
  if (code === 'UNAUTHENTICATED') return 'WRONGPASS invalid or missing auth token';
  if (code !== 'FORBIDDEN') return undefined;
  if (parameter === 'key') return 'NOPERM No permissions to access a key';
  const refused = command === undefined ? 'this' : `the '${command}' command`;
  return `NOPERM this user has no permissions to run ${refused}`;
}

/** The word that an error begins with, by which clients tell errors apart. By default it is ERR. */
const firstWords: Partial<Record<ErrorCode, string>> = { QUOTA_EXCEEDED: 'QUOTA' };

/**
 * The message comes first, as in Redis. The code and the outcome follow.
 *
 * @param command the name of the command that is refused, if it is one
 */
export function replyOfError(refusal: StoreError, command?: string): Reply & { kind: 'error' } {
  const known = textOfRefusal(refusal, command);
  if (known !== undefined) return { kind: 'error', message: known };
  const { code, outcome, message } = refusal;
  const text = byteStringOfText(`${message} (${code}, ${outcome})`);
  const first = firstWords[code];
  return first === undefined ? errorReply(text) : { kind: 'error', message: `${first} ${text}` };
}

/** The error as the answer to a whole request. */
export function upstashProblemOf(error: StoreError): Answer {
  const { status, headers } = problemOf(error);
  return jsonAnswer(status, envelope(replyOfError(error), 'text'), headers);
}
