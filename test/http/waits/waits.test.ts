import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import { Waits, type Wait, type Waiter } from '../../../src/http/waits/waits.ts';
import { untilIdle } from '../../support/simulated/staged-queue.ts';

/** A connection as far as a wait knows it. */
class TestSocket extends EventEmitter {
  readableEnded = false;
  destroyed = false;
  timeoutMs = 1234;

  setTimeout(ms: number): this {
    this.timeoutMs = ms;
    return this;
  }
}

let nowMs: number;
let waits: Waits;

beforeEach(() => {
  nowMs = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  waits = new Waits({ waitersMax: 10_000, monotonicMs: () => nowMs });
});

afterEach(() => void vi.useRealTimers());

async function advance(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed++) {
    nowMs += 1;
    vi.advanceTimersByTime(1);
  }
  await untilIdle();
  await untilIdle();
}

class TestWaiter implements Waiter {
  readonly namespace: string;
  readonly waitMs: number;
  readonly testSocket = new TestSocket();
  refused: StoreError | undefined;
  /** How the wait has ended. */
  ended: string | undefined;

  constructor(waitMs = 300_000, namespace = 'default') {
    this.waitMs = waitMs;
    this.namespace = namespace;
  }

  get socket(): Socket {
    return this.testSocket as unknown as Socket;
  }

  readonly refusal = (): StoreError | undefined => this.refused;

  readonly onEnd = (refusal: StoreError | undefined): void => {
    if (this.ended !== undefined) throw new Error('it ends once');
    this.ended = refusal?.code ?? 'answered';
  };
}

function begin(waitMs?: number, namespace?: string): { waiter: TestWaiter; wait: Wait } {
  const waiter = new TestWaiter(waitMs, namespace);
  return { waiter, wait: waits.begin(waiter) };
}

const revoked = new StoreError('UNAUTHENTICATED', 'no');
const dropping = new StoreError('SHARD_UNAVAILABLE', 'being dropped', { retryable: true });

describe('the time of a wait', () => {
  test('is over at its deadline and not before, in any order', async () => {
    const [long, short] = [begin(500).waiter, begin(200).waiter];
    await advance(199);
    expect([short.ended, long.ended]).toEqual([undefined, undefined]);
    await advance(1);
    expect([short.ended, long.ended]).toEqual(['answered', undefined]);
    await advance(300);
    expect([long.ended, waits.count]).toEqual(['answered', 0]);
  });

  test('takes one timer, however many wait', async () => {
    for (let count = 0; count < 5000; count++) begin(200_000 - count);
    expect(vi.getTimerCount()).toBe(1);
    await advance(1000);
    expect(vi.getTimerCount()).toBe(1);
    expect(waits.count).toBe(5000);
  });

  test('leaves no timer behind', async () => {
    const { wait } = begin();
    wait.wake();
    await untilIdle();
    expect([waits.count, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('a wait that is woken', () => {
  test('ends in a turn to come, and once', async () => {
    const { waiter, wait } = begin();
    wait.wake();
    wait.wake();
    expect(waiter.ended).toBeUndefined();
    await untilIdle();
    expect([waiter.ended, waits.count]).toEqual(['answered', 0]);
    wait.wake();
    await untilIdle();
  });

  test('is one of a few that end in a turn', async () => {
    const all = Array.from({ length: 250 }, () => begin());
    for (const { wait } of all) wait.wake();
    const ended = () => all.filter(({ waiter }) => waiter.ended !== undefined).length;
    const turns: number[] = [];
    while (ended() < all.length) {
      await untilIdle();
      turns.push(ended());
    }
    expect(turns).toEqual([100, 200, 250]);
  });

  test('is judged when it ends, and not when it is woken', async () => {
    const { waiter, wait } = begin();
    wait.wake();
    waiter.refused = revoked;
    await untilIdle();
    expect(waiter.ended).toBe('UNAUTHENTICATED');
  });

  test('waits on while the refusal is for now', async () => {
    const { waiter, wait } = begin();
    waiter.refused = dropping;
    wait.wake();
    await advance(5000);
    expect(waiter.ended).toBeUndefined();
    waiter.refused = undefined;
    await advance(1000);
    expect(waiter.ended).toBe('answered');
  });
});

describe('the rights of the caller', () => {
  test('are judged each second', async () => {
    const { waiter } = begin();
    await advance(1500);
    waiter.refused = revoked;
    await advance(499);
    expect(waiter.ended).toBeUndefined();
    await advance(1);
    expect(waiter.ended).toBe('UNAUTHENTICATED');
  });

  test('that are refused for now end a wait at its deadline alone', async () => {
    const { waiter } = begin(3000);
    waiter.refused = dropping;
    await advance(2999);
    expect(waiter.ended).toBeUndefined();
    await advance(1);
    expect(waiter.ended).toBe('SHARD_UNAVAILABLE');
  });
});

describe('the connection', () => {
  test('ends the wait when it is closed, without a turn', () => {
    const { waiter } = begin();
    waiter.testSocket.emit('close');
    expect([waiter.ended, waits.count]).toEqual(['answered', 0]);
  });

  test('ends the wait soon when the client has ended it', async () => {
    const { waiter } = begin();
    waiter.testSocket.emit('end');
    await untilIdle();
    expect(waiter.ended).toBe('answered');
  });

  test.each(['readableEnded', 'destroyed'] as const)(
    'that is over before the wait begins ends it soon: %s',
    async (state) => {
      const waiter = new TestWaiter();
      waiter.testSocket[state] = true;
      waits.begin(waiter);
      await untilIdle();
      expect([waiter.ended, waits.count]).toEqual(['answered', 0]);
    },
  );

  test('has no time limit meanwhile, and no listener afterwards', async () => {
    const { waiter, wait } = begin();
    expect(waiter.testSocket.timeoutMs).toBe(0);
    wait.wake();
    await untilIdle();
    expect(waiter.testSocket.eventNames()).toEqual([]);
  });
});

describe('waitersMax', () => {
  test('bounds each namespace by itself, and counts those that still wait', async () => {
    waits = new Waits({ waitersMax: 2, monotonicMs: () => nowMs });
    const { wait } = begin(300_000, 'a');
    begin(300_000, 'a');
    begin(300_000, 'b');
    const full = expect.objectContaining({ code: 'WAITERS_FULL', limit: 2, retryable: true });
    expect(() => begin(300_000, 'a')).toThrow(full);
    expect(waits.count).toBe(3);
    wait.wake();
    await untilIdle();
    begin(300_000, 'a');
    expect(() => begin(300_000, 'a')).toThrow(full);
  });
});

describe('a stop', () => {
  test('ends all waits soon, and later ones too', async () => {
    const before = begin().waiter;
    waits.stop();
    const later = begin().waiter;
    expect(later.ended).toBeUndefined();
    await untilIdle();
    await untilIdle();
    expect([before.ended, later.ended]).toEqual(['answered', 'answered']);
  });
});
