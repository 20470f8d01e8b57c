// What a shard holds, asked of its own thread behind the scheduler's back.
import { encodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { PageItem } from '../../src/protocol/shard-operation.ts';
import type { ShardTasks } from '../../src/protocol/shard-task.ts';
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import type { Handlers } from './simulated-task-thread.ts';

/** All that a shard holds, expired or not. */
export function itemsOf(handlers: Handlers<ShardTasks>): readonly PageItem<Uint8Array>[] {
  const query = {
    namespace: defaultNamespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 1000,
    reverse: false,
    includeValues: true,
  };
  const frame = encodeBatch({ stamp: 0, operations: [{ op: 'list', query }] });
  const [page] = decodeReply(handlers.batch(frame) as Uint8Array).results;
  if (page?.kind !== 'page') throw new Error('a shard that has started does not list');
  return page.items;
}
