// The stored form of an answer to a request with an Idempotency-Key: a JSON document. It says which
// request it answers, to detect the same key on another request.
import { isUtf8 } from 'node:buffer';
import type { Answer } from '../wire/answer.ts';

export interface KeptAnswer extends Answer {
  /** The fingerprint of the request. */
  readonly fingerprint: string;
}

interface Document {
  readonly fingerprint: string;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly bodyBase64?: string;
}

export function encodeKeptAnswer({ fingerprint, status, headers, body }: KeptAnswer): Buffer {
  const content = isUtf8(body)
    ? { body: body.toString('utf8') }
    : { bodyBase64: body.toString('base64') };
  return Buffer.from(JSON.stringify({ fingerprint, status, headers, ...content }));
}

/** @param bytes as `encodeKeptAnswer` wrote them */
export function decodeKeptAnswer(bytes: Uint8Array): KeptAnswer {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Document;
  const { fingerprint, status, headers, body, bodyBase64 = '' } = document;
  const content = body === undefined ? Buffer.from(bodyBase64, 'base64') : Buffer.from(body);
  return { fingerprint, status, headers, body: content };
}
