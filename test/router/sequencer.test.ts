import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../src/base/clock.ts';
import type { EntryChange, ShardResult } from '../../src/protocol/shard-operation.ts';
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
  sequencer = new Sequencer(queues, new TimestampClock(clock));
});

const ignore = (): void => {};

function stagedQueueOf(key: string): StagedQueue {
  const queue = queues.find((one) => one === sequencer.queueOf(key));
  if (queue === undefined) throw new Error(`no shard has ${key}`);
  return queue;
}

/** Puts these entries into the memory of their shards. */
function fillMemory(...keys: string[]): void {
  for (const key of keys) stagedQueueOf(key).memory.set(key, entry(key));
}

const read = (operation: AnyOperation) => sequencer.read(operation, clock.wallMs());
const isDirect = (key: string): boolean => read(get(key)) !== undefined;

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
    'that writes keeps its keys from direct reads until it is answered: $op',
    (write) => {
      fillMemory('0b', '0f', '1b');
      sequencer.enqueue(write, ignore);
      sequencer.enqueue(get('0f'), ignore);
      expect([isDirect('0b'), isDirect('0f'), isDirect('1b')]).toEqual([false, true, true]);
      queues[0].take(write.op).complete(missing);
      expect(isDirect('0b')).toBe(true);
    },
  );

  test('that only reads keeps no key from direct reads', () => {
    fillMemory('0b');
    sequencer.enqueue(command('read', '0b'), ignore);
    sequencer.enqueue({ op: 'head', ...name('0b') }, ignore);
    sequencer.enqueue(get('0b'), ignore);
    expect(isDirect('0b')).toBe(true);
  });

  test('that writes does so behind others that are answered before it', () => {
    fillMemory('0b');
    sequencer.enqueue(put('0b', 'first'), ignore);
    sequencer.enqueue(put('0c', 'x'), ignore);
    sequencer.enqueue(put('0b', 'second'), ignore);
    for (const direct of [false, false, true]) {
      queues[0].take('put').complete(missing);
      expect(isDirect('0b')).toBe(direct);
    }
  });
});

describe('a direct read', () => {
  test('is for reads alone, and has no value if none is asked for', () => {
    fillMemory('0b');
    expect(read(get('0b'))).toEqual(entry('0b'));
    expect(read({ op: 'head', ...name('0b') })).toEqual({ ...entry('0b'), value: undefined });
    expect(read(put('0b', 'x'))).toBeUndefined();
    expect(read(command('read', '0b'))).toBeUndefined();
    expect(sequencer.readReply(get('0b'), 0)).toEqual({
      kind: 'reply',
      reply: { kind: 'bulk', value: '0b' },
    });
    expect(sequencer.reads.direct).toBe(3);
  });

  test('is none from the moment when the entry expires', () => {
    queues[0].memory.set('0b', entry('x', 1500));
    clock.advance(499);
    expect(isDirect('0b')).toBe(true);
    clock.advance(1);
    expect(isDirect('0b')).toBe(false);
  });

  test('is none if direct reads are turned off', () => {
    fillMemory('0b');
    sequencer = new Sequencer(queues, new TimestampClock(clock), false);
    expect(isDirect('0b')).toBe(false);
    expect(sequencer.reads).toEqual({ direct: 0, queued: 1 });
  });
});

const standing = (key: string) => sequencer.standing(name(key));

describe('the entry that stands there until a write is carried out', () => {
  test('is known from memory, without its value', () => {
    fillMemory('0b');
    expect(standing('0b')).toEqual({ ...entry('0b'), value: undefined });
    expect(standing('0c')).toBeUndefined();
  });

  test('is not known while a write of it is under way', () => {
    fillMemory('0b');
    sequencer.enqueue(remove('0b'), ignore);
    expect(standing('0b')).toBeUndefined();
  });

  test('is not known if it has a deadline: the sweep may remove it first', () => {
    queues[0].memory.set('0b', entry('x', 1500));
    expect(standing('0b')).toBeUndefined();
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
  });

  test('come from the memory of their shards if they may', async () => {
    fillMemory('0b', '1b', '1c');
    const collector = new ReplyCollector<Result>(names.length);
    sequencer.readAt(names, collector, true);
    expect(await collector.results).toEqual(names.map(({ key }) => entry(key)));
  });

  test('are asked for though they are in memory, if the answers must come behind the queue', () => {
    fillMemory('0b', '1b', '1c');
    sequencer.readAt(names, new ReplyCollector<Result>(names.length), false);
    expect(queues.map(({ asked }) => asked.length)).toEqual([1, 2]);
  });
});

describe('the changes of a transaction in one shard', () => {
  test('keep its keys from direct reads until they are answered', async () => {
    fillMemory('0b', '0c', '0f');
    const answer = sequencer.change(changesOf(['0b', '0c']), 2000);
    expect([isDirect('0b'), isDirect('0c'), isDirect('0f')]).toEqual([false, false, true]);
    const change = queues[0].take('change');
    expect(change.operation).toMatchObject({ version: 1, flush: [], validUntil: 2000 });
    change.complete(done);
    expect(await answer).toEqual(done);
    expect([isDirect('0b'), isDirect('0c')]).toEqual([true, true]);
  });

  test('keep all keys of the shard from direct reads if they flush a namespace', () => {
    fillMemory('0b', '1b');
    void sequencer.change(changesOf(['0c'], ['other']), 2000);
    expect([isDirect('0b'), isDirect('1b')]).toEqual([false, true]);
    queues[0].take('change').complete(done);
    expect(isDirect('0b')).toBe(true);
  });
});

describe('a commit', () => {
  test('is in all queues in one turn, and keeps the keys of all participants from direct reads', () => {
    fillMemory('0b', '0f', '1b', '1c');
    sequencer.commit('t', [changesOf(['0b']), changesOf(['1b', '1c'])]);
    expect([isDirect('0b'), isDirect('1b'), isDirect('1c'), isDirect('0f')]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    for (const queue of queues) {
      expect(queue.take('commit').operation).toEqual({ op: 'commit', transaction: 't' });
    }
    expect([isDirect('0b'), isDirect('1b')]).toEqual([true, true]);
  });

  test('keeps all keys of the shards from direct reads in which it flushes a namespace', () => {
    fillMemory('0b', '1b');
    sequencer.commit('t', [changesOf(['0c'], [namespace]), changesOf(['1c'], [namespace])]);
    expect([isDirect('0b'), isDirect('1b')]).toEqual([false, false]);
    queues[0].take('commit').complete(done);
    expect([isDirect('0b'), isDirect('1b')]).toEqual([true, false]);
  });
});

test('an abort is in the queues in one turn, and keeps no key from direct reads', () => {
  fillMemory('0b', '1b');
  sequencer.abort('t', queues);
  expect([isDirect('0b'), isDirect('1b')]).toEqual([true, true]);
  for (const queue of queues) {
    expect(queue.take('abort').operation).toEqual({ op: 'abort', transaction: 't' });
  }
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
