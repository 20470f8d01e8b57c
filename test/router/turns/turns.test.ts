// The queues are lists of names; the test takes batches off them.
import { beforeEach, describe, expect, test } from 'vitest';
import {
  queueOperationsMax,
  queueWaitForMoreMs,
  queueWaitMaxMs,
} from '../../../src/base/limits.ts';
import { Turns, type TurnQueue } from '../../../src/router/turns/turns.ts';

class ListQueue implements TurnQueue {
  readonly shard: number;
  readonly names: string[] = [];
  waitingBytes = 0;

  constructor(shard: number) {
    this.shard = shard;
  }

  get waitingOperations(): number {
    return this.names.length;
  }

  takeBatch(count: number): string[] {
    return this.names.splice(0, count);
  }
}

const shortMax = 4;

let queues: [ListQueue, ListQueue];
let turns: Turns;
let nowMs: number;
let refused: string[];

beforeEach(() => {
  queues = [new ListQueue(0), new ListQueue(1)];
  nowMs = 0;
  refused = [];
  turns = new Turns(queues, { monotonicMs: () => nowMs, shortMax });
});

function ask(namespace: string, shard: 0 | 1, units = 1): void {
  const place = (): void => void queues[shard].names.push(namespace);
  if (turns.isOpen(shard)) place();
  else turns.wait(shard, { namespace, units, place, refuse: () => void refused.push(namespace) });
}

function askBoth(namespace: string, units = 1): void {
  const place = (): void => {
    for (const queue of queues) queue.names.push(namespace);
  };
  if (turns.isWideOpen) place();
  else turns.waitWide({ namespace, units, place, refuse: () => void refused.push(namespace) });
}

describe('work for one shard', () => {
  test('goes through at once while the queue is short, and others do not matter', () => {
    for (let n = 0; n < 10; n++) ask('a', 0);
    expect([queues[0].names.length, turns.waiting]).toEqual([shortMax, 6]);
    expect([turns.isOpen(0), turns.isOpen(1)]).toEqual([false, true]);
    ask('b', 1);
    expect(queues[1].names).toEqual(['b']);
  });

  test('waits behind work that waits already, even if the queue has become short', () => {
    for (let n = 0; n < 5; n++) ask('a', 0);
    queues[0].takeBatch(4);
    expect(turns.isOpen(0)).toBe(false);
    turns.serve();
    expect([turns.isOpen(0), queues[0].names]).toEqual([true, ['a']]);
  });

  test('of a polite namespace has few places before it, however long the flood', () => {
    let places = 0;
    for (let n = 0; n < 50_000; n++) ask('noisy', 0);
    ask('polite', 0);
    for (;;) {
      const batch = queues[0].takeBatch(shortMax);
      if (batch.length === 0) throw new Error('it was never served');
      const at = batch.indexOf('polite');
      if (at !== -1) {
        places += at;
        break;
      }
      places += batch.length;
      // The flood goes on.
      for (let n = 0; n < 100; n++) ask('noisy', 0);
      turns.serve();
    }
    expect(places).toBeLessThanOrEqual(shortMax + 8);
  });

  test('on what the store keeps for a namespace waits in the room of that namespace', () => {
    for (let n = 0; n < 5; n++) ask('a', 0);
    nowMs = queueWaitForMoreMs + 1;
    ask('~kept.a', 0);
    expect(refused).toEqual(['~kept.a']);
  });

  test('waits while many bytes do', () => {
    queues[0].waitingBytes = 2 * 1024 * 1024;
    expect(turns.isOpen(0)).toBe(false);
  });
});

describe('work for several shards', () => {
  test('has its places in all queues in one turn', () => {
    for (let n = 0; n < 8; n++) askBoth('a');
    expect(turns.isWideOpen).toBe(false);
    askBoth('b');
    queues[0].takeBatch(8);
    turns.serve();
    expect([queues[0].names, queues[1].names.length]).toEqual([[], 8]);
    queues[1].takeBatch(1);
    turns.serve();
    expect([queues[0].names, queues[1].names.at(-1)]).toEqual([['b'], 'b']);
  });

  test('is not kept waiting by work for one shard, nor the other way round', () => {
    for (let n = 0; n < 500; n++) {
      ask('narrow', 0);
      askBoth('wide');
      ask('narrow', 1);
    }
    const seen = new Map<string, number>();
    for (let n = 0; n < 100; n++) {
      for (const queue of queues) {
        for (const name of queue.takeBatch(2)) seen.set(name, (seen.get(name) ?? 0) + 1);
        turns.serve();
      }
    }
    expect(seen.get('narrow')).toBeGreaterThan(100);
    expect(seen.get('wide')).toBeGreaterThan(100);
  });
});

describe('work that waits', () => {
  test('is refused when it has waited for too long', () => {
    for (let n = 0; n < 6; n++) ask('a', 0);
    for (let n = 0; n < 10; n++) askBoth('b');
    nowMs = queueWaitMaxMs;
    turns.tick();
    expect(refused).toEqual([]);
    nowMs += 1;
    turns.tick();
    expect(refused.filter((name) => name === 'a')).toHaveLength(2);
    expect(turns.waiting).toBe(0);
  });

  test('is refused at once behind work of its own namespace that waits for long, and of no other', () => {
    for (let n = 0; n < 5; n++) ask('a', 0);
    nowMs = queueWaitForMoreMs + 1;
    ask('a', 0);
    ask('b', 0);
    expect([refused, turns.waiting]).toEqual([['a'], 2]);
  });

  test('is bounded for each namespace', () => {
    for (let n = 0; n < 4; n++) ask('a', 0);
    ask('a', 0, queueOperationsMax + 1);
    ask('a', 0);
    ask('b', 0);
    expect([refused, turns.waiting]).toEqual([['a'], 2]);
  });

  test('gets its places when the door is closed for good', () => {
    for (let n = 0; n < 20; n++) ask('a', 0);
    for (let n = 0; n < 20; n++) askBoth('b');
    turns.close();
    expect([turns.waiting, queues[0].names.length, queues[1].names.length]).toEqual([0, 40, 20]);
    expect([turns.isOpen(0), turns.isWideOpen]).toEqual([true, true]);
  });
});
