// Parses replies of RESP 2 into the types of src/commands. Owns no connection.
import { bulk, integer, status, type Reply } from '../../../src/commands/reply.ts';

export interface Parsed {
  readonly reply: Reply;
  /** The index after the reply. */
  readonly end: number;
}

/** @returns the reply at `start`; undefined if it has not arrived in full */
export function parseReply(text: string, start: number): Parsed | undefined {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const [type, line, end] = [text[start], text.slice(start + 1, lineEnd), lineEnd + 2];
  switch (type) {
    case '+':
      return { reply: status(line), end };
    case '-':
      return { reply: { kind: 'error', message: line }, end };
    case ':':
      return { reply: integer(BigInt(line)), end };
    case '$':
      return parseBulk(text, Number(line), end);
    case '*':
      return parseArray(text, Number(line), end);
    default:
      throw new Error(`not RESP: ${JSON.stringify(text.slice(start, start + 20))}`);
  }
}

function parseBulk(text: string, length: number, start: number): Parsed | undefined {
  if (length === -1) return { reply: bulk(null), end: start };
  const end = start + length;
  if (text.length < end + 2) return undefined;
  if (text.slice(end, end + 2) !== '\r\n') throw new Error(`a string is not of ${length} bytes`);
  return { reply: bulk(text.slice(start, end)), end: end + 2 };
}

function parseArray(text: string, length: number, start: number): Parsed | undefined {
  if (length === -1) return { reply: { kind: 'array', items: null }, end: start };
  const items: Reply[] = [];
  let end = start;
  while (items.length < length) {
    const parsed = parseReply(text, end);
    if (parsed === undefined) return undefined;
    items.push(parsed.reply);
    end = parsed.end;
  }
  return { reply: { kind: 'array', items }, end };
}

/** Parses a text that consists of replies. */
export function parseReplies(text: string): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; at < text.length;) {
    const parsed = parseReply(text, at);
    if (parsed === undefined)
      throw new Error(`half a reply: ${JSON.stringify(text.slice(at, at + 200))}`);
    replies.push(parsed.reply);
    at = parsed.end;
  }
  return replies;
}
