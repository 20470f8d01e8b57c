// Compares SCAN with Redis. Cursors differ, so this compares whole walks.
import type { Reply } from '../../../src/commands/reply.ts';
import { show } from './compare-replies.ts';

export type Ask = (words: readonly string[]) => Promise<Reply>;

/** A number that no walk of Holdfast gave. Its meaning is a known difference. */
export function isForeignCursor(argument: string): boolean {
  return /^[+-]?0*[1-9]\d*(?:\0|$)/.test(argument);
}

export function isAnswerToForeignCursor(reply: Reply): boolean {
  return reply.kind === 'array' || show(reply) === '-"ERR invalid cursor"';
}

/**
 * Does a whole walk, with cursors of any form.
 *
 * @returns every key, in order, once
 */
export async function walk(ask: Ask, words: readonly string[], first: Reply): Promise<Reply> {
  const seen = new Set<string>();
  let reply = first;
  for (;;) {
    if (reply.kind !== 'array') return reply;
    const [cursor, keys] = reply.items ?? [];
    if (cursor?.kind !== 'bulk' || keys?.kind !== 'array' || cursor.value === null) return reply;
    for (const key of keys.items ?? []) seen.add(show(key));
    if (cursor.value === '0') break;
    reply = await ask([...words.slice(0, 1), cursor.value, ...words.slice(2)]);
  }
  const items = [...seen].toSorted().map((text): Reply => ({ kind: 'status', text }));
  return { kind: 'array', items };
}
