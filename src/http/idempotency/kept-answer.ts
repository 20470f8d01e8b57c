// The answer to a request that carried an Idempotency-Key, as it stands in the store: a JSON document
// that says which request it answers, so that the same key on another one is told.
import { isUtf8 } from 'node:buffer';
import type { Answer } from '../answer.ts';

export interface KeptAnswer extends Answer {
  /** Of the request. */
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

/** @param bytes as from `encodeKeptAnswer` */
export function decodeKeptAnswer(bytes: Uint8Array): KeptAnswer {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Document;
  const { fingerprint, status, headers, body, bodyBase64 = '' } = document;
  const content = body === undefined ? Buffer.from(bodyBase64, 'base64') : Buffer.from(body);
  return { fingerprint, status, headers, body: content };
}
