// The answer that has the value of an entry. It has no headers yet: each transport writes them in one
// piece. Knows no transport.
import type { EntryResult } from '../../store/result.ts';
import type { Answer } from './answer.ts';

/** 200 with the value of an entry. */
export interface ValueAnswer {
  readonly entry: EntryResult;
  readonly value: Uint8Array;
  /** The media type. */
  readonly label: string;
}

/** The answer of a handler of one key. */
export type KeyAnswer = Answer | ValueAnswer;

/** Up to this size, a value leaves in one text with its head. Copying a larger one costs more than it saves. */
export const smallValueBytesMax = 4096;

export function isValueAnswer(answer: KeyAnswer): answer is ValueAnswer {
  return 'value' in answer;
}

export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The headers of a reply with a value, in their order; names and values by turns. */
export function headOfValue({ entry, label }: ValueAnswer): string[] {
  const head = ['etag', etagOf(entry.version), 'vary', 'Accept'];
  if (entry.expiresAt !== undefined) head.push('holdfast-expires-at', String(entry.expiresAt));
  head.push('content-type', label, 'content-length', String(entry.size));
  return head;
}

/** The same headers as `headOfValue`, as text. */
export function headTextOfValue({ entry, label }: ValueAnswer): string {
  const expiry = entry.expiresAt === undefined ? '' : `holdfast-expires-at: ${entry.expiresAt}\r\n`;
  return `etag: "${entry.version}"\r\nvary: Accept\r\n${expiry}content-type: ${label}\r\ncontent-length: ${entry.size}\r\n`;
}
