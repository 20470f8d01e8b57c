// Estimates the size of a reply, for bounds on memory. Knows no format.
import type { Reply } from './reply.ts';

/** The most bytes that a reply takes besides its text. */
const fixedBytes = 16;

/** About how many bytes a reply takes. */
export function replyBytesOf(reply: Reply): number {
  switch (reply.kind) {
    case 'status':
      return fixedBytes + reply.text.length;
    case 'error':
      return fixedBytes + reply.message.length;
    case 'bulk':
      return fixedBytes + (reply.value?.length ?? 0);
    case 'array':
      return (reply.items ?? []).reduce((sum, item) => sum + replyBytesOf(item), fixedBytes);
    case 'integer':
      return fixedBytes;
    default:
      return reply satisfies never;
  }
}
