// How large a reply is, for bounds on memory.
import type { Reply } from './reply.ts';

/** What a reply takes beside its text, at most. */
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
