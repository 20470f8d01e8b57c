// Writes the head of a reply as node's path does, byte for byte: the same headers in the same order. Owns
// the headers that node itself adds. Knows no request.
import { STATUS_CODES } from 'node:http';
import type { HeaderPairs } from '../access/cors.ts';
import { headersOfEachReply, type Answer } from '../wire/answer.ts';
import type { RawAnswer } from '../wire/raw-answer.ts';
import { requestIdHeader } from '../wire/request-id.ts';
import {
  headOfValue,
  headTextOfValue,
  smallValueBytesMax,
  type ValueAnswer,
} from '../wire/value-answer.ts';

const eachReply = Object.entries(headersOfEachReply);
const eachReplyText = textOfPairs(eachReply.flat());

export interface ReplyFacts {
  readonly isHead: boolean;
  /** True if the connection ends behind the reply. */
  readonly isLast: boolean;
  /** Headers that the gate adds to the reply of the request, whatever it is. */
  readonly replyHeaders: HeaderPairs | undefined;
  readonly requestId: string;
  /** Headers that the dialect adds to each of its replies as it leaves. */
  readonly added: HeaderPairs;
}

function textOfPairs(pairs: readonly string[]): string {
  let text = '';
  for (let i = 0; i + 1 < pairs.length; i += 2) text += `${pairs[i]}: ${pairs[i + 1]}\r\n`;
  return text;
}

/** Headers of the request’s own reply; one that the reply has already is continued. */
function withReplyHeaders(headers: Record<string, string>, pairs: HeaderPairs): void {
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [name = '', value = ''] = pairs.slice(i, i + 2);
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
}

/** True if no header takes the place of another one. */
function areDistinct(headers: Answer['headers'], { replyHeaders, added }: ReplyFacts): boolean {
  if (replyHeaders !== undefined) return false;
  for (const [name] of eachReply) if (headers[name] !== undefined) return false;
  for (let i = 0; i < added.length; i += 2) {
    if (headers[added[i] ?? ''] !== undefined) return false;
  }
  return true;
}

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  statusLines.set(status, line);
  return line;
}

export class ReplyText {
  readonly #keepAlive: string;
  /** The date and all behind it, of a connection that goes on and of one that ends. */
  #endOfMost = '';
  #endOfLast = '';
  #dateUntilMs = 0;

  /** @param keepAliveTimeoutMs as node is told */
  constructor(keepAliveTimeoutMs: number) {
    const seconds = Math.floor(keepAliveTimeoutMs / 1000);
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`;
  }

  headOfAnswer(answer: Answer, facts: ReplyFacts): string {
    const { status, headers, body } = answer;
    const hasLength = body.length > 0 || (status !== 204 && status !== 304 && !facts.isHead);
    if (!areDistinct(headers, facts)) return this.#headOfMerged(answer, facts, hasLength);
    let text = '';
    // No entries are made: each costs more than its text.
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
    text += textOfPairs(facts.added);
    if (hasLength && headers['content-length'] === undefined) {
      text += `content-length: ${body.length}\r\n`;
    }
    return this.#head(status, text + eachReplyText, facts);
  }

  headOfValueAnswer(answer: ValueAnswer, facts: ReplyFacts): string {
    if (facts.replyHeaders === undefined) {
      return this.#head(200, headTextOfValue(answer) + eachReplyText, facts);
    }
    if (answer.entry.size <= smallValueBytesMax) {
      const more = textOfPairs(facts.replyHeaders);
      return this.#head(200, headTextOfValue(answer) + eachReplyText + more, facts);
    }
    const head = headOfValue(answer);
    const all: Record<string, string> = {};
    for (let i = 0; i + 1 < head.length; i += 2) all[head[i] ?? ''] = head[i + 1] ?? '';
    withReplyHeaders(all, facts.replyHeaders);
    return this.#head(200, textOfPairs(Object.entries(all).flat()) + eachReplyText, facts);
  }

  headOfRawAnswer({ status, head }: RawAnswer, facts: ReplyFacts): string {
    const more = facts.replyHeaders === undefined ? '' : textOfPairs(facts.replyHeaders);
    return this.#head(status, textOfPairs(head) + more, facts);
  }

  #headOfMerged({ status, headers, body }: Answer, facts: ReplyFacts, hasLength: boolean): string {
    const all: Record<string, string> = { ...headers };
    for (let i = 0; i + 1 < facts.added.length; i += 2) {
      all[facts.added[i] ?? ''] = facts.added[i + 1] ?? '';
    }
    if (hasLength) all['content-length'] ??= String(body.length);
    if (facts.replyHeaders !== undefined) withReplyHeaders(all, facts.replyHeaders);
    for (const [name, value] of eachReply) all[name] ??= value;
    return this.#head(status, textOfPairs(Object.entries(all).flat()), facts);
  }

  #head(status: number, headers: string, { isLast, requestId }: ReplyFacts): string {
    this.#noteDate(Date.now());
    const end = isLast ? this.#endOfLast : this.#endOfMost;
    return `${statusLine(status)}${headers}${requestIdHeader}: ${requestId}\r\n${end}`;
  }

  #noteDate(nowMs: number): void {
    if (nowMs < this.#dateUntilMs) return;
    this.#dateUntilMs = nowMs - (nowMs % 1000) + 1000;
    const date = `Date: ${new Date(nowMs).toUTCString()}\r\n`;
    this.#endOfMost = date + this.#keepAlive;
    this.#endOfLast = `${date}Connection: close\r\n\r\n`;
  }
}
