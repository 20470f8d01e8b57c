// Writes the head of a reply as node's path does, byte for byte: the same headers in the same order. Owns
// the headers that node itself adds. Knows no request.
import { STATUS_CODES } from 'node:http';
import type { HeaderPairs } from '../access/cors.ts';
import { headersOfEachReply, type Answer } from '../wire/answer.ts';
import type { RawAnswer } from '../wire/raw-answer.ts';
import { headOfValue, smallValueBytesMax, type ValueAnswer } from '../wire/value-answer.ts';

const eachReply = Object.entries(headersOfEachReply);
const eachReplyText = textOfPairs(eachReply.flat());

export interface ReplyFacts {
  readonly isHead: boolean;
  /** True if the connection ends behind the reply. */
  readonly isLast: boolean;
  readonly corsHeaders: HeaderPairs | undefined;
  /** Headers that the dialect adds to each of its replies as it leaves. */
  readonly added: HeaderPairs;
}

function textOfPairs(pairs: readonly string[]): string {
  let text = '';
  for (let i = 0; i + 1 < pairs.length; i += 2) text += `${pairs[i]}: ${pairs[i + 1]}\r\n`;
  return text;
}

/** Pages of allowed origins get more headers; one that the reply has already is continued. */
function withCors(headers: Record<string, string>, pairs: HeaderPairs): void {
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [name = '', value = ''] = pairs.slice(i, i + 2);
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
}

export class ReplyText {
  readonly #keepAlive: string;
  #date = '';
  #dateUntilMs = 0;

  /** @param keepAliveTimeoutMs as node is told */
  constructor(keepAliveTimeoutMs: number) {
    const seconds = Math.floor(keepAliveTimeoutMs / 1000);
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`;
  }

  headOfAnswer({ status, headers, body }: Answer, facts: ReplyFacts): string {
    const all: Record<string, string> = { ...headers };
    for (let i = 0; i + 1 < facts.added.length; i += 2) {
      all[facts.added[i] ?? ''] = facts.added[i + 1] ?? '';
    }
    const hasLength = body.length > 0 || (status !== 204 && status !== 304 && !facts.isHead);
    if (hasLength) all['content-length'] ??= String(body.length);
    if (facts.corsHeaders !== undefined) withCors(all, facts.corsHeaders);
    for (const [name, value] of eachReply) all[name] ??= value;
    return this.#head(status, textOfPairs(Object.entries(all).flat()), facts);
  }

  headOfValueAnswer(answer: ValueAnswer, facts: ReplyFacts): string {
    const head = headOfValue(answer);
    if (facts.corsHeaders === undefined) {
      return this.#head(200, textOfPairs(head) + eachReplyText, facts);
    }
    if (answer.entry.size <= smallValueBytesMax) {
      return this.#head(
        200,
        textOfPairs(head) + eachReplyText + textOfPairs(facts.corsHeaders),
        facts,
      );
    }
    const all: Record<string, string> = {};
    for (let i = 0; i + 1 < head.length; i += 2) all[head[i] ?? ''] = head[i + 1] ?? '';
    withCors(all, facts.corsHeaders);
    return this.#head(200, textOfPairs(Object.entries(all).flat()) + eachReplyText, facts);
  }

  headOfRawAnswer({ status, head }: RawAnswer, facts: ReplyFacts): string {
    const cors = facts.corsHeaders === undefined ? '' : textOfPairs(facts.corsHeaders);
    return this.#head(status, textOfPairs(head) + cors, facts);
  }

  #head(status: number, headers: string, { isLast }: ReplyFacts): string {
    const end = isLast ? 'Connection: close\r\n\r\n' : this.#keepAlive;
    return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Date: ${this.#dateText()}\r\n${end}`;
  }

  #dateText(): string {
    const nowMs = Date.now();
    if (nowMs >= this.#dateUntilMs) {
      this.#date = new Date(nowMs).toUTCString();
      this.#dateUntilMs = nowMs - (nowMs % 1000) + 1000;
    }
    return this.#date;
  }
}
