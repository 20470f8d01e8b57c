import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../src/base/clock.ts';
import type { EntryChange, ShardResult } from '../../src/protocol/shard-operation.ts';
import { ReadCache } from '../../src/router/read-cache.ts';
import { ReplyCollector } from '../../src/router/reply-collector.ts';
import {
  resultOf,
  resultOrReplyOf,
  Sequencer,
  type AnyOperation,
  type ChangesOfShard,
} from '../../src/router/sequencer.ts';
import type { CommandOperation } from '../../src/store/operation.ts';
import type { Result } from '../../src/store/result.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { get, missing, namespace, put, remove } from '../support/stores/operations.ts';
import {
  done,
  entry,
  name,
  refused,
  StagedQueue,
  untilIdle,
} from '../support/simulated/staged-queue.ts';

let queues: [StagedQueue, StagedQueue];
let clock: ManualClock;
let sequencer: Sequencer;

beforeEach(() => {
  queues = [new StagedQueue(0), new StagedQueue(1)];
  clock = new ManualClock(1000);
  sequencer = new Sequencer(queues, new ReadCache(100_000), new TimestampClock(clock));
});

const ignore = (): void => {};

function stagedQueueOf(key: string): StagedQueue {
  const queue = queues.find((one) => one === sequencer.queueOf(key));
  if (queue === undefined) throw new Error(`no shard has ${key}`);
  return queue;
}

/** Fills the cache with these entries, by reads. */
function fillCache(...keys: string[]): void {
  for (const key of keys) {
    sequencer.enqueue(get(key), ignore);
    stagedQueueOf(key).take('get').complete(entry(key));
  }
}

const cached = (operation: AnyOperation) => sequencer.cached(operation, clock.wallMs());
const isCached = (key: string): boolean => cached(get(key)) !== undefined;

function command(access: 'read' | 'write', ...keys: string[]): CommandOperation {
  const [key = ''] = keys;
  return { op: 'command', namespace, key, name: 'mset', access, args: [], keys, valueBytesMax: 1 };
}

function changesOf(keys: readonly string[], flush: readonly string[] = []): ChangesOfShard {
  const changes = keys.map((key): EntryChange => ({ ...name(key), put: undefined }));
  return { queue: sequencer.queueOf(keys[0] ?? ''), version: 1, flush, changes };
}

describe('an operation', () => {
  test('goes into the queue of the shard that has its key, with its answer back', () => {
    const answers: ShardResult[] = [];
    sequencer.enqueue(put('0b', 'x'), (answer) => answers.push(answer));
    sequencer.enqueue(put('1b', 'x'), ignore);
    expect(queues.map(({ asked }) => asked.length)).toEqual([1, 1]);
    queues[0].take('put').complete(missing);
    expect(answers).toEqual([missing]);
  });

  test.each([put('0b', 'x'), remove('0b'), command('write', '0c', '0b')])(
    'that writes drops its keys from the cache in the same turn: $op',
    (write) => {
      fillCache('0b', '0f', '1b');
      // The cache must drop a key before the queue has the write.
      queues[0].onEnqueue = () => expect(isCached('0b')).toBe(false);
      sequencer.enqueue(write, ignore);
      expect(queues[0].asked).toHaveLength(1);
      expect([isCached('0b'), isCached('0f'), isCached('1b')]).toEqual([false, true, true]);
      expect.assertions(3);
    },
  );

  test('that only reads leaves the cache as it is', () => {
    fillCache('0b');
    sequencer.enqueue(command('read', '0b'), ignore);
    sequencer.enqueue({ op: 'head', ...name('0b') }, ignore);
    sequencer.enqueue(get('0b'), ignore);
    expect(isCached('0b')).toBe(true);
  });

  test('that reads does not fill the cache if a write is queued behind it', () => {
    sequencer.enqueue(get('0b'), ignore);
    sequencer.enqueue(put('0b', 'new'), ignore);
    sequencer.enqueue(get('0b'), ignore);
    queues[0].take('get').complete(entry('old'));
    expect(isCached('0b')).toBe(false);
    queues[0].take('put').complete(missing);
    queues[0].take('get').complete(entry('new'));
    expect(cached(get('0b'))).toMatchObject({ value: Buffer.from('new') });
  });
});

describe('the answer of the cache', () => {
  test('is for reads alone, and has no value if none is asked for', () => {
    fillCache('0b');
    expect(cached(get('0b'))).toEqual(entry('0b'));
    expect(cached({ op: 'head', ...name('0b') })).toEqual({
      ...entry('0b'),
      value: undefined,
    });
    expect(cached(put('0b', 'x'))).toBeUndefined();
    expect(cached(command('read', '0b'))).toBeUndefined();
  });

  test('is none from the moment when the entry expires', () => {
    sequencer.enqueue(get('0b'), ignore);
    queues[0].take('get').complete(entry('x', 1500));
    clock.advance(499);
    expect(isCached('0b')).toBe(true);
    clock.advance(1);
    expect(isCached('0b')).toBe(false);
  });
});

describe('entries that are read at one moment', () => {
  const names = ['0b', '1b', '1c'].map(name);

  test('are asked for in one turn, with the timestamp of that turn, and come in order', async () => {
    const collector = new ReplyCollector<Result>(names.length);
    sequencer.readAt(names, collector, true);
    expect(queues.flatMap(({ asked }) => asked.map(({ operation }) => operation))).toEqual(
      names.map((each) => ({ op: 'getAt', ...each, now: 1000 })),
    );
    clock.advance(1);
    queues[1].take('getAt').complete(entry('second'));
    queues[1].take('getAt').complete(missing);
    queues[0].take('getAt').complete(entry('first'));
    expect(await collector.results).toEqual([entry('first'), entry('second'), missing]);
    expect([isCached('0b'), isCached('1b'), isCached('1c')]).toEqual([true, true, false]);
  });

  test('come from the cache if it has them', async () => {
    fillCache('0b', '1b', '1c');
    const collector = new ReplyCollector<Result>(names.length);
    sequencer.readAt(names, collector, true);
    expect(await collector.results).toEqual(names.map(({ key }) => entry(key)));
  });

  test('are asked for though the cache has them, if the answers must come behind the queue', () => {
    fillCache('0b', '1b', '1c');
    sequencer.readAt(names, new ReplyCollector<Result>(names.length), false);
    expect(queues.map(({ asked }) => asked.length)).toEqual([1, 2]);
  });
});

describe('the changes of a transaction in one shard', () => {
  test('drop its keys from the cache in the same turn', async () => {
    fillCache('0b', '0c', '0f');
    queues[0].onEnqueue = () => expect(isCached('0b') || isCached('0c')).toBe(false);
    const answer = sequencer.change(changesOf(['0b', '0c']), 2000);
    expect([isCached('0b'), isCached('0c'), isCached('0f')]).toEqual([false, false, true]);
    const change = queues[0].take('change');
    expect(change.operation).toMatchObject({ version: 1, flush: [], validUntil: 2000 });
    change.complete(done);
    expect(await answer).toEqual(done);
    expect.assertions(4);
  });

  test('drop the cached entries of the namespaces that they flush, and no others', () => {
    fillCache('0b', '1b');
    void sequencer.change(changesOf(['0c'], ['other']), 2000);
    expect([isCached('0b'), isCached('1b')]).toEqual([true, true]);
    void sequencer.change(changesOf(['0c'], ['other', namespace]), 2000);
    expect([isCached('0b'), isCached('1b')]).toEqual([false, false]);
  });
});

describe('a commit', () => {
  test('is in all queues in one turn, and no key of any participant is cached by then', () => {
    fillCache('0b', '0f', '1b', '1c');
    const isAnyCached = (): boolean => ['0b', '1b', '1c'].some(isCached);
    for (const queue of queues) queue.onEnqueue = () => expect(isAnyCached()).toBe(false);
    sequencer.commit('t', [changesOf(['0b']), changesOf(['1b', '1c'])]);
    for (const queue of queues) {
      expect(queue.take('commit').operation).toEqual({ op: 'commit', transaction: 't' });
    }
    expect([isAnyCached(), isCached('0f')]).toEqual([false, true]);
    expect.assertions(5);
  });

  test('drops the cached entries of the namespaces that it flushes, before any queue has it', () => {
    fillCache('0b', '1b');
    for (const queue of queues) {
      queue.onEnqueue = () => expect([isCached('0b'), isCached('1b')]).toEqual([false, false]);
    }
    const flushes = ['other', namespace];
    sequencer.commit('t', [changesOf(['0c'], flushes), changesOf(['1c'], flushes)]);
    expect(queues.map(({ asked }) => asked.length)).toEqual([1, 1]);
    expect.assertions(3);
  });

  test('keeps reads before it from the cache, and lets those behind it in', () => {
    sequencer.enqueue(get('1b'), ignore);
    sequencer.commit('t', [changesOf(['0b']), changesOf(['1b'])]);
    sequencer.enqueue(get('1b'), ignore);
    queues[1].take('get').complete(entry('old'));
    expect(isCached('1b')).toBe(false);
    queues[1].take('commit').complete(done);
    queues[1].take('get').complete(entry('new'));
    expect(isCached('1b')).toBe(true);
  });
});

test('an abort is in the queues in one turn, and the cache keeps its entries', () => {
  fillCache('0b', '1b');
  sequencer.abort('t', queues);
  for (const queue of queues) {
    expect(queue.take('abort').operation).toEqual({ op: 'abort', transaction: 't' });
  }
  expect([isCached('0b'), isCached('1b')]).toEqual([true, true]);
});

describe('an outcome', () => {
  test('is recorded soon if its shard answers so, and not if the shard has ended', async () => {
    const [recorded, lost] = sequencer.abort('t', queues);
    queues[0].take('abort').complete(done);
    queues[1].take('abort').complete(refused('not-applied'));
    expect(await Promise.all([recorded?.isRecordedSoon, lost?.isRecordedSoon])).toEqual([
      true,
      false,
    ]);
    expect((await lost?.answer)?.kind).toBe('refused');
  });

  test('is not recorded soon if its shard has to recover first, and is answered later', async () => {
    const [delivery] = sequencer.abort('t', [queues[0]]);
    const abort = queues[0].take('abort');
    abort.onDelay();
    expect(await delivery?.isRecordedSoon).toBe(false);
    expect(await Promise.race([delivery?.answer, untilIdle()])).toBeUndefined();
    abort.complete(done);
    expect(await delivery?.answer).toEqual(done);
  });
});

describe('all shards', () => {
  const count = { op: 'count', namespace, now: 0 } as const;

  test('are asked in one turn, and answer by number', async () => {
    const answers = sequencer.askAll(count);
    queues[1].take('count').complete({ kind: 'count', count: 1 });
    queues[0].take('count').complete({ kind: 'count', count: 0 });
    expect(await answers).toEqual([0, 1].map((each) => ({ kind: 'count', count: each })));
  });

  test('are not asked if one of them has no room', async () => {
    queues[1].room = -1;
    await expect(sequencer.askAll(count)).rejects.toMatchObject({
      code: 'OVERLOADED',
      outcome: 'not-applied',
      retryable: true,
    });
    expect(queues.flatMap(({ asked }) => asked)).toEqual([]);
  });

  test('give the error of one that does not serve', async () => {
    const answers = sequencer.askAll(count);
    queues[0].take('count').complete({ kind: 'count', count: 0 });
    queues[1].take('count').complete(refused('not-applied', 'SHARD_UNAVAILABLE'));
    await expect(answers).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  });
});

test('an answer of another kind than the operation has is a bug', () => {
  expect(resultOf(missing)).toBe(missing);
  const reply: ShardResult = { kind: 'reply', reply: { kind: 'status', text: 'OK' } };
  expect(resultOrReplyOf(reply)).toBe(reply);
  expect(() => resultOf(reply)).toThrow('answered by a reply');
  expect(() => resultOrReplyOf(done)).toThrow('answered by a done');
  expect(() => resultOf({ kind: 'stale' })).toThrow('answered by a stale');
});
