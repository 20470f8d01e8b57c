// Reads all entries of a shard through the tasks of its own thread, unseen by the scheduler.
import { encodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { ShardTasks } from '../../src/protocol/shard-task.ts';
import { nameOf, namespacesUsed } from './entry-names.ts';
import type { NamedItem } from './logged-entry.ts';
import type { Handlers } from './simulated-task-thread.ts';

/** All entries of a shard, expired or not. */
export function itemsOf(handlers: Handlers<ShardTasks>): readonly NamedItem[] {
  return namespacesUsed.flatMap((namespace) => itemsIn(handlers, namespace));
}

function itemsIn(handlers: Handlers<ShardTasks>, namespace: string): readonly NamedItem[] {
  const query = {
    namespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 1000,
    reverse: false,
    includeValues: true,
  };
  const frame = encodeBatch({ timestamp: 0, operations: [{ op: 'list', query, now: 0 }] });
  const [page] = decodeReply(handlers.batch(frame) as Uint8Array).results;
  if (page?.kind !== 'page') throw new Error('a shard that has started does not list');
  return page.items.map((item) => ({ ...item, name: nameOf({ namespace, key: item.key }) }));
}
