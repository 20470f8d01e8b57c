// Writes the results of commands in the format that a request asks for: JSON or resp2, as text or
// base64. Knows no command.
import type { Reply } from '../../commands/reply.ts';
import { contentAnswer, jsonAnswer, type Answer } from '../wire/answer.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import { statusOfError } from '../wire/status-of-error.ts';
import { nameOf, type ParsedCommand } from './command-parser.ts';
import { isStoreError, type CommandResult } from './command-runner.ts';
import { envelope, resp2, type Encoding } from './envelope.ts';
import { replyOfError } from './error-reply.ts';
import { RequestFault } from './request-fault.ts';

export interface Format {
  readonly encoding: Encoding;
  readonly isResp2: boolean;
}

function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function formatOf(request: HttpRequest): Format {
  const encoding = headerOf(request, 'upstash-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'base64') {
    throw new RequestFault('ERR Upstash-Encoding must be base64, or left out');
  }
  const format = headerOf(request, 'upstash-response-format')?.toLowerCase() ?? 'json';
  if (format !== 'json' && format !== 'resp2') {
    throw new RequestFault('ERR Upstash-Response-Format must be json or resp2');
  }
  const isResp2 = format === 'resp2';
  if (isResp2 && encoding !== undefined) {
    throw new RequestFault('ERR Upstash-Encoding is not allowed with the response format resp2');
  }
  return { encoding: encoding === undefined ? 'text' : 'base64', isResp2 };
}

function asReply(result: CommandResult, command: ParsedCommand | undefined): Reply {
  return isStoreError(result) ? replyOfError(result, command && nameOf(command)) : result;
}

function statusOf(result: CommandResult): number {
  if (isStoreError(result)) return statusOfError[result.code];
  return result.kind === 'error' ? 400 : 200;
}

function resp2Answer(status: number, body: Buffer): Answer {
  return contentAnswer(status, 'application/octet-stream', body);
}

/** The answer that has the results of commands, in the format that the request asks for. */
export type AnswerOfResults = (
  results: readonly CommandResult[],
  commands: readonly ParsedCommand[],
) => Answer;

export function oneReply({ encoding, isResp2 }: Format): AnswerOfResults {
  return ([result], [command]) => {
    if (result === undefined) throw new Error('a command has one result');
    const status = statusOf(result);
    const reply = asReply(result, command);
    return isResp2
      ? resp2Answer(status, resp2(reply))
      : jsonAnswer(status, envelope(reply, encoding));
  };
}

export function listOfReplies({ encoding, isResp2 }: Format): AnswerOfResults {
  return (results, commands) => {
    const replies = results.map((result, index) => asReply(result, commands[index]));
    if (isResp2) return resp2Answer(200, Buffer.concat(replies.map(resp2)));
    return jsonAnswer(200, `[${replies.map((each) => envelope(each, encoding)).join(',')}]`);
  };
}
