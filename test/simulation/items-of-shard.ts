// Reads all entries of a shard through the tasks of its own thread, unseen by the scheduler.
import { encodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { ShardResult } from '../../src/protocol/shard-operation.ts';
import type { ShardTasks } from '../../src/protocol/shard-task.ts';
import { nameOf } from './entry-names.ts';
import type { NamedItem } from './logged-entry.ts';
import type { Handlers } from './simulated-task-thread.ts';

/** All entries of a shard, expired or not. */
export function itemsOf(handlers: Handlers<ShardTasks>): readonly NamedItem[] {
  return namespacesOf(handlers).flatMap((namespace) => itemsIn(handlers, namespace));
}

/** False while the shard refuses all operations, after a failing call to its disk. */
export function doesAnswer(handlers: Handlers<ShardTasks>): boolean {
  return measured(handlers).kind !== 'refused';
}

function namespacesOf(handlers: Handlers<ShardTasks>): readonly string[] {
  const answer = measured(handlers);
  if (answer.kind !== 'figures') throw new Error('a shard that has started does not measure');
  return answer.figures.map(({ namespace }) => namespace);
}

function measured(handlers: Handlers<ShardTasks>): ShardResult {
  const measure = { op: 'measure' as const, namespaces: undefined };
  const frame = encodeBatch({ timestamp: 0, operations: [measure] });
  const [answer] = decodeReply(handlers.batch(frame) as Uint8Array).results;
  if (answer === undefined) throw new Error('an operation has one result');
  return answer;
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
