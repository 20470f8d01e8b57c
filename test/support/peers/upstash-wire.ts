// The commands and replies of the protocol of Upstash, written independently of the server's code,
// which it judges. Words and bodies are byte strings.
import { unreachable } from '../../../src/base/assert.ts';
import { textOfByteString } from '../../../src/base/byte-string.ts';
import type { Reply } from '../../../src/commands/reply.ts';
import type { SentCommand } from './random-sent-commands.ts';

/** Numbers that JSON writes just as they are given. */
const jsonNumber = /^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9])$/;

export function jsonOfCommand({ words, hasNumbers }: SentCommand): string {
  const items = words.map((word) =>
    hasNumbers && jsonNumber.test(word) ? word : JSON.stringify(textOfByteString(word)),
  );
  return `[${items.join(',')}]`;
}

export function percentEncode(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9._~-]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** `NAME=VALUE` in turns; a last name without a value stands alone. */
export function queryOf(words: readonly string[]): string {
  return words
    .map((word, i) => `${i % 2 === 1 ? '=' : '&'}${percentEncode(word)}`)
    .join('')
    .slice(1);
}

function jsonOfString(bytes: string, isBase64: boolean): string {
  const buffer = Buffer.from(bytes, 'latin1');
  return JSON.stringify(buffer.toString(isBase64 ? 'base64' : 'utf8'));
}

function jsonOfValue(reply: Reply, isBase64: boolean): string {
  switch (reply.kind) {
    case 'integer':
      return String(reply.value);
    case 'bulk':
      return reply.value === null ? 'null' : jsonOfString(reply.value, isBase64);
    case 'status':
      return jsonOfString(reply.text, isBase64);
    case 'array':
      return `[${(reply.items ?? []).map((item) => jsonOfValue(item, isBase64)).join(',')}]`;
    case 'error':
      throw new Error('no command has an error among its results');
    default:
      return unreachable(reply);
  }
}

/** The body of the reply to a single command, as text. */
export function jsonOfReply(reply: Reply, isBase64: boolean): string {
  if (reply.kind === 'error') return `{"error":${jsonOfString(reply.message, false)}}`;
  const isOk = reply.kind === 'status' && reply.text === 'OK';
  return `{"result":${jsonOfValue(reply, isBase64 && !isOk)}}`;
}
