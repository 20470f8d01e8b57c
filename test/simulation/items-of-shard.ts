// Reads all entries of a shard through the tasks of its own thread, unseen by the scheduler.
import { encodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { ShardResult } from '../../src/protocol/shard-operation.ts';
import type { MemoryNews } from '../../src/memory/memory-news.ts';
import type { BatchAnswer, ShardTasks } from '../../src/protocol/shard-task.ts';
import type { ShardTaskHandlers } from '../../src/shard/tasks/shard-tasks.ts';
import { nameOf } from './entry-names.ts';
import type { NamedItem } from './logged-entry.ts';
import type { Handlers } from './simulated-task-thread.ts';

/** Carries out a batch of which the main thread does not hear. */
type Look = (frame: Uint8Array<ArrayBuffer>) => Uint8Array;

const looks = new WeakMap<object, Look>();

function joined(
  first: MemoryNews | undefined,
  next: MemoryNews | undefined,
): MemoryNews | undefined {
  if (first === undefined || next === undefined) return next ?? first;
  if (next.begin !== undefined) return next;
  const pieces = [...first.pieces, ...next.pieces];
  return { begin: first.begin, pieces, namespaces: [...first.namespaces, ...next.namespaces] };
}

/** The same tasks for a shard that may be looked at: no news of its memory are lost by that. */
export function withLooks(handlers: ShardTaskHandlers): Handlers<ShardTasks> {
  let unheard: MemoryNews | undefined;
  const batch = (frame: Uint8Array<ArrayBuffer>): BatchAnswer => {
    const answer = handlers.batch(frame) as BatchAnswer;
    const news = joined(unheard, answer.news);
    unheard = undefined;
    return { frame: answer.frame, news };
  };
  const looked = { ...handlers, batch };
  looks.set(looked, (frame) => {
    const { frame: reply, news } = batch(frame);
    unheard = news;
    return reply;
  });
  return looked;
}

function look(handlers: Handlers<ShardTasks>, frame: Uint8Array<ArrayBuffer>): Uint8Array {
  const looksAt = looks.get(handlers);
  if (looksAt === undefined) throw new Error('these tasks are not for looks');
  return looksAt(frame);
}

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
  const [answer] = decodeReply(look(handlers, frame)).results;
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
  const [page] = decodeReply(look(handlers, frame)).results;
  if (page?.kind !== 'page') throw new Error('a shard that has started does not list');
  return page.items.map((item) => ({ ...item, name: nameOf({ namespace, key: item.key }) }));
}
