// Writes replies as JSON, with every string in base64 if the client asks for it, or as RESP 2.
// Knows no command.
import { unreachable } from '../../base/assert.ts';
import { isPlainJson } from '../../base/plain-json.ts';
import type { Reply } from '../../commands/reply.ts';

/** A client asks for `base64` if strings may be no UTF-8 text, or to be sure of their bytes. */
export type Encoding = 'text' | 'base64';

function stringText(bytes: string, encoding: Encoding): string {
  if (encoding === 'text' && isPlainJson(bytes)) return `"${bytes}"`;
  const buffer = Buffer.from(bytes, 'latin1');
  if (encoding === 'base64') return `"${buffer.toString('base64')}"`;
  return JSON.stringify(buffer.toString('utf8'));
}

function valueText(reply: Reply, encoding: Encoding): string {
  switch (reply.kind) {
    case 'status':
      return stringText(reply.text, encoding);
    case 'bulk':
      return reply.value === null ? 'null' : stringText(reply.value, encoding);
    case 'integer':
      return String(reply.value);
    case 'array':
      if (reply.items === null) return 'null';
      return `[${reply.items.map((item) => valueText(item, encoding)).join(',')}]`;
    case 'error':
      // JSON has no other place for an error within an array.
      return stringText(reply.message, encoding);
    default:
      return unreachable(reply);
  }
}

export function errorEnvelope(message: string): string {
  return `{"error":${JSON.stringify(Buffer.from(message, 'latin1').toString('utf8'))}}`;
}

/** Clients take an `OK` at the top level literally, and decode every other string. */
export function envelope(reply: Reply, encoding: Encoding): string {
  if (reply.kind === 'error') return errorEnvelope(reply.message);
  const isPlain = reply.kind === 'status' && reply.text === 'OK';
  return `{"result":${isPlain ? '"OK"' : valueText(reply, encoding)}}`;
}

/** Redis serialization protocol, version 2. */
export function resp2(reply: Reply): Buffer {
  const parts: string[] = [];
  writeResp2(parts, reply);
  return Buffer.from(parts.join(''), 'latin1');
}

function writeResp2(parts: string[], reply: Reply): void {
  switch (reply.kind) {
    case 'status':
      parts.push('+', reply.text, '\r\n');
      return;
    case 'error':
      parts.push('-', reply.message, '\r\n');
      return;
    case 'integer':
      parts.push(':', String(reply.value), '\r\n');
      return;
    case 'bulk':
      if (reply.value === null) parts.push('$-1\r\n');
      else parts.push('$', String(reply.value.length), '\r\n', reply.value, '\r\n');
      return;
    case 'array':
      parts.push('*', String(reply.items?.length ?? -1), '\r\n');
      for (const item of reply.items ?? []) writeResp2(parts, item);
      return;
    default:
      unreachable(reply);
  }
}
