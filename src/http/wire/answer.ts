// A whole answer to a request. Handlers return it, so it can be sent at once, later, or again. Owns
// no header that every reply has: src/http/tracked-response.ts does.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReadBody } from '../body/body-reader.ts';

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A key's value, or its absence, is true only for the moment, and is what its type says. */
export const headersOfEachReply = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

/** Throws or rejects with the error that is to be answered instead. */
export type AnswerRequest<Request> = (
  request: Request,
  readBody: ReadBody,
) => Answer | Promise<Answer>;

const nothing = Buffer.alloc(0);

export function emptyAnswer(status: number, headers: Answer['headers'] = {}): Answer {
  return { status, headers, body: nothing };
}

export function contentAnswer(
  status: number,
  mediaType: string,
  content: string | Buffer,
  headers?: Answer['headers'],
): Answer {
  // The framework adds a charset to text of a JSON type, and JSON types have none. So this passes
  // bytes.
  const body = typeof content === 'string' ? Buffer.from(content) : content;
  return { status, headers: { ...headers, 'content-type': mediaType }, body };
}

/** JSON has no charset parameter (RFC 8259). */
export function jsonAnswer(
  status: number,
  json: string | Buffer,
  headers?: Answer['headers'],
): Answer {
  return contentAnswer(status, 'application/json', json, headers);
}

export function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): void {
  reply.code(status);
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  if (body.length > 0) reply.send(body);
  else reply.send();
}

/**
 * The framework's handler that sends what `answer` returns. It is no async function: each one costs
 * a small write some percent.
 */
export function answering<Request extends FastifyRequest>(answer: AnswerRequest<Request>) {
  return (request: Request, reply: FastifyReply): Promise<void> | void => {
    const { bodies } = request.server;
    const answered = answer(request, (limit) => bodies.read(request, reply, limit));
    if (!(answered instanceof Promise)) return sendAnswer(reply, answered);
    return answered.then((late) => sendAnswer(reply, late));
  };
}
