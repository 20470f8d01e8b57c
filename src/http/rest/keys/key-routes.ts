// The routes of one key, in the framework. Sends small values past the framework. Owns no header.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bufferOf } from '../../../base/byte-string.ts';
import type { RouteContext } from '../../route-context.ts';
import { answering, headersOfEachReply, sendAnswer } from '../../wire/answer.ts';
import {
  headOfValue,
  isValueAnswer,
  smallValueBytesMax,
  type KeyAnswer,
  type ValueAnswer,
} from '../../wire/value-answer.ts';
import { KeyHandlers } from './key-handlers.ts';
import { keyMount } from './key.ts';

const eachReply = Object.entries(headersOfEachReply).flat();

/**
 * Bypasses the framework. Node joins a head and a Latin-1 text into one string. Uncorking before
 * `end` adds its empty chunk makes that one plain write. Otherwise node would do a gathering write,
 * which costs a tenth of the whole work of a small read.
 */
function sendSmallValue({ raw }: FastifyReply, answer: ValueAnswer): void {
  const text = bufferOf(answer.value).toString('latin1');
  raw.writeHead(200, [...headOfValue(answer), ...eachReply]).write(text, 'latin1');
  raw.socket?.uncork();
  raw.end();
}

function sendValue(reply: FastifyReply, answer: ValueAnswer): void {
  if (answer.entry.size <= smallValueBytesMax) {
    sendSmallValue(reply, answer);
    return;
  }
  const head = headOfValue(answer);
  for (let i = 0; i + 1 < head.length; i += 2) reply.header(head[i] ?? '', head[i + 1]);
  reply.send(answer.value);
}

function sendKeyAnswer(reply: FastifyReply, answer: KeyAnswer): void {
  if (isValueAnswer(answer)) sendValue(reply, answer);
  else sendAnswer(reply, answer);
}

/** The framework's handler of a read. If the answer is there at once, it leaves in the same turn. */
function answeringRead(answer: KeyHandlers['get']) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const answered = answer(request);
    if (!(answered instanceof Promise)) {
      sendKeyAnswer(reply, answered);
      return;
    }
    answered
      .then((late) => sendKeyAnswer(reply, late))
      .catch((error: unknown) => reply.send(error));
  };
}

export function keyRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new KeyHandlers(context);
  app.get(keyMount.target, { exposeHeadRoute: false }, answeringRead(handlers.get));
  app.head(keyMount.target, answeringRead(handlers.head));
  app.put(keyMount.target, answering(handlers.put));
  app.delete(keyMount.target, answering(handlers.delete));
  const { route: label, prefix } = keyMount;
  const bodiless = { label, bodyBytesMax: 0 };
  context.laneRoutes.addBelow(prefix, {
    GET: { ...bodiless, answer: handlers.get },
    HEAD: { ...bodiless, answer: handlers.head },
    PUT: { label, bodyBytesMax: context.limits.valueBytesMax, answer: handlers.put },
    DELETE: { ...bodiless, answer: handlers.delete },
  });
}
