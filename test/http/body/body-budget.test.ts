// The policy alone, without sockets. The test decides about ticks and turns.
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BodyBudget } from '../../../src/http/body/body-budget.ts';
import { tickMs } from '../../../src/http/body/pace.ts';
import { TestBody } from '../../support/http/body-accounts.ts';

const kibibyte = 1024;
const bytesMax = 1024 * kibibyte;
const bodyBytesMax = 256 * kibibyte;
/** The most that large bodies may hold in sum, without the oldest one. */
const largeMax = ((bytesMax - bodyBytesMax) * 7) / 8;

let budget: BodyBudget;
beforeEach(() => {
  vi.useFakeTimers();
  budget = new BodyBudget({ bytesMax, bodyBytesMax });
});
afterEach(() => vi.useRealTimers());

function nextTurn(): void {
  vi.advanceTimersByTime(1);
}

function ticks(count: number): void {
  vi.advanceTimersByTime(count * tickMs);
}

function open(size: number, options?: { announced: boolean }): TestBody {
  return new TestBody(budget, size, options);
}

/** Bodies that have each sent so many bytes, and send no more. */
function stalled(count: number, bytes: number): TestBody[] {
  return Array.from({ length: count }, () => open(bodyBytesMax).arrive(bytes));
}

describe('the room', () => {
  test('is taken by bytes that have arrived, not by announced ones', () => {
    open(bodyBytesMax).arrive(10);
    expect(budget.held).toBe(10);
  });

  test('stays taken until the request is answered', () => {
    const body = open(100).arrive(100);
    expect(body.state).toBe('whole');
    expect(budget.held).toBe(100);
    body.answer();
    expect(budget.held).toBe(0);
  });

  test('is given back at once by a body whose connection is lost, waiting or not', () => {
    const bodies = stalled(10, 100 * kibibyte);
    expect(budget.waiting).toBeGreaterThan(0);
    for (const body of bodies) body.abort();
    expect(budget.held).toBe(0);
    expect(budget.waiting).toBe(0);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
    nextTurn();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('must be as large as the largest body', () => {
    expect(() => new BodyBudget({ bytesMax: 10, bodyBytesMax: 11 })).toThrow('must find room');
  });
});

describe('when the room is full', () => {
  test('large bodies are read no further, and no timer ran before', () => {
    const bodies = stalled(5, 100 * kibibyte);
    expect(vi.getTimerCount()).toBe(0);
    expect(budget.held).toBe(500 * kibibyte);
    const next = open(bodyBytesMax).arrive(100 * kibibyte);
    expect(bodies.some(({ waits }) => waits)).toBe(false);
    expect(next.waits).toBe(true);
    expect(next.pauses).toBe(1);
    expect(budget.held).toBe(500 * kibibyte);
    expect(budget.waiting).toBe(1);
    expect(budget.pauses).toBe(1);
  });

  test('large bodies fill the half of it as they come, then one by one if all of it fits', () => {
    const oldest = open(bodyBytesMax).arrive(1);
    const bodies = Array.from({ length: 10 }, () => open(bodyBytesMax));
    for (let n = 0; n < 16; n++) for (const body of bodies) body.arrive(8 * kibibyte);
    const going = bodies.filter(({ waits }) => !waits);
    expect(going).toHaveLength(1);
    for (const body of going) body.arrive(bodyBytesMax);
    expect(going.map(({ state }) => state)).toEqual(['whole']);
    oldest.arrive(bodyBytesMax);
    expect(oldest.state).toBe('whole');
    expect(budget.held).toBeLessThanOrEqual(largeMax + bodyBytesMax);
  });

  test('the oldest can still finish', () => {
    const [oldest] = stalled(20, 100 * kibibyte);
    for (let n = 0; n < 10; n++) oldest?.arrive(20 * kibibyte);
    expect(oldest?.state).toBe('whole');
  });

  test('the next oldest is read on as soon as the oldest is whole', () => {
    const [oldest, second] = stalled(20, 100 * kibibyte);
    oldest?.arrive(bodyBytesMax);
    nextTurn();
    second?.arrive(bodyBytesMax);
    expect(second?.state).toBe('whole');
  });

  test('small bodies still find room, of known and of unknown length', () => {
    stalled(20, 100 * kibibyte);
    expect(open(30).arrive(30).state).toBe('whole');
    const chunked = open(30, { announced: false }).arrive(29);
    expect(chunked.waits).toBe(false);
    expect(chunked.arrive(1).state).toBe('whole');
    expect(open(kibibyte).arrive(2).waits).toBe(false);
  });

  test('the room of a whole body goes to those that wait, in order of age', () => {
    const whole = open(bodyBytesMax).arrive(bodyBytesMax);
    const oldest = open(bodyBytesMax).arrive(1);
    const bodies = Array.from({ length: 4 }, () => open(bodyBytesMax).arrive(100 * kibibyte));
    const waiting = () => bodies.map(({ waits }) => waits);
    expect(waiting()).toEqual([false, true, true, true]);
    whole.answer();
    nextTurn();
    expect(waiting()).toEqual([false, false, false, true]);
    bodies[0]?.arrive(bodyBytesMax);
    bodies[0]?.answer();
    nextTurn();
    expect(waiting()).toEqual([false, false, false, false]);
    expect(oldest.waits).toBe(false);
    expect(budget.waiting).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a small body does not overtake the oldest, if that waits', () => {
    const whole = Array.from({ length: 4 }, () => open(255 * kibibyte).arrive(255 * kibibyte));
    const oldest = open(bodyBytesMax).arrive(5 * kibibyte);
    const small = open(kibibyte).arrive(kibibyte);
    expect([oldest.waits, small.waits]).toEqual([true, true]);
    whole[0]?.answer();
    nextTurn();
    expect([oldest.waits, small.waits]).toEqual([false, false]);
  });

  test('whole bodies that wait for the store make all others wait, and none is ended', () => {
    const whole = Array.from({ length: 4 }, () => open(bodyBytesMax).arrive(bodyBytesMax));
    expect(budget.held).toBe(bytesMax);
    const next = open(100).arrive(100);
    ticks(100);
    expect(next.waits).toBe(true);
    expect(budget.ended).toBe(0);
    whole[0]?.answer();
    nextTurn();
    expect(next.state).toBe('whole');
  });
});

describe('a body that comes too slowly', () => {
  test('is ended while others wait, until they fit, and not before they do', () => {
    const bodies = stalled(6, 100 * kibibyte);
    expect(bodies[5]?.waits).toBe(true);
    ticks(2);
    expect(budget.ended).toBe(0);
    ticks(1);
    // The body wants 256 KiB, as much as three of the others hold.
    expect(budget.ended).toBe(3);
    nextTurn();
    expect(bodies[5]?.arrive(bodyBytesMax).state).toBe('whole');
    ticks(100);
    expect(budget.ended).toBe(3);
  });

  test('is not ended while no other waits, however slow', () => {
    stalled(3, 100 * kibibyte);
    ticks(1000);
    expect(budget.ended).toBe(0);
  });

  test('is ended even as the oldest, if it is idle', () => {
    const oldest = open(bodyBytesMax).arrive(200 * kibibyte);
    const active = Array.from({ length: 7 }, () => open(bodyBytesMax));
    for (let n = 0; n < 10; n++) {
      for (const body of active) body.arrive(20 * kibibyte);
      ticks(1);
    }
    expect(oldest.state).toBe('ended');
    expect(active.map(({ state }) => state)).not.toContain('ended');
  });

  test('is ended if it trickles: its pace counts against the bytes that it holds', () => {
    const trickling = stalled(5, 100 * kibibyte);
    const waiting = open(bodyBytesMax).arrive(100 * kibibyte);
    expect(waiting.waits).toBe(true);
    for (let n = 0; n < 3; n++) {
      for (const body of trickling) body.arrive(100);
      ticks(1);
    }
    nextTurn();
    expect(waiting.waits).toBe(false);
    expect(budget.ended).toBeGreaterThan(0);
  });

  test('goes before one that holds next to nothing', () => {
    const idle = open(bodyBytesMax).arrive(10);
    const [slow] = stalled(4, 95 * kibibyte);
    const waiting = open(bodyBytesMax).arrive(99 * kibibyte);
    expect(waiting.waits).toBe(true);
    ticks(3);
    expect(slow?.state).toBe('ended');
    expect(idle.state).toBe('arriving');
  });

  test('is not judged by the time in which it was made to wait', () => {
    const bodies = stalled(5, 100 * kibibyte);
    const waiting = open(bodyBytesMax).arrive(100 * kibibyte);
    for (let n = 0; n < 8; n++) {
      for (const body of bodies) body.arrive(8 * kibibyte);
      ticks(1);
    }
    expect(waiting.waits).toBe(true);
    for (const body of bodies.slice(0, 3)) body.abort();
    nextTurn();
    expect(waiting.waits).toBe(false);
    // The others wait again at once. This one has only just begun, so it is not slow.
    stalled(5, 60 * kibibyte);
    expect(budget.waiting).toBeGreaterThan(0);
    ticks(2);
    expect(waiting.state).toBe('arriving');
  });
});

test('uploads that are equally fast all finish, though they do not fit at once', () => {
  const bodies = Array.from({ length: 100 }, () => open(bodyBytesMax));
  for (let round = 0; round < 2000 && bodies.some(({ state }) => state !== 'answered'); round++) {
    for (const body of bodies) body.arrive(16 * kibibyte);
    for (const body of bodies) body.answer();
    ticks(1);
    expect(budget.held).toBeLessThanOrEqual(bytesMax);
  }
  expect(bodies.filter(({ state }) => state === 'answered')).toHaveLength(100);
  expect(budget.ended).toBe(0);
  expect(budget.pauses).toBeGreaterThan(0);
});

interface Step {
  readonly what: 'open' | 'arrive' | 'answer' | 'abort' | 'turn' | 'tick';
  readonly which: number;
  readonly bytes: number;
  readonly announced: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(
    'open',
    'open',
    'arrive',
    'arrive',
    'arrive',
    'answer',
    'abort',
    'turn',
    'tick',
  ),
  which: fc.nat(1000),
  bytes: fc.oneof(fc.nat(100), fc.nat(64 * kibibyte), fc.nat(bodyBytesMax - 1)).map((n) => n + 1),
  announced: fc.boolean(),
});

function carryOut({ what, which, bytes, announced }: Step, bodies: TestBody[]): void {
  if (what === 'open') bodies.push(open(bytes, { announced }));
  else if (what === 'turn') nextTurn();
  else if (what === 'tick') ticks(1);
  else if (what === 'arrive') bodies[which % bodies.length]?.arrive(bytes);
  else bodies[which % bodies.length]?.[what]();
}

function expectTrue(bodies: readonly TestBody[]): void {
  const held = bodies.map((body) => (body.state === 'answered' ? 0 : body.held));
  expect(budget.held).toBe(held.reduce((sum, bytes) => sum + bytes, 0));
  expect(budget.held).toBeLessThanOrEqual(bytesMax);
  expect(budget.waiting).toBe(bodies.filter(({ waits }) => waits).length);
}

test('the bound holds for any arrivals, and every body whose client goes on finishes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      budget = new BodyBudget({ bytesMax, bodyBytesMax });
      const bodies: TestBody[] = [];
      for (const one of steps) {
        carryOut(one, bodies);
        expectTrue(bodies);
      }
      // From here on clients send all their bytes, and the store answers. There is no tick, so the
      // budget ends no body to help another.
      const before = budget.ended;
      for (let round = 0; round < 2 * bodies.length; round++) {
        for (const body of bodies) body.answer();
        nextTurn();
        for (const body of bodies) body.arrive(bodyBytesMax);
        expectTrue(bodies);
      }
      for (const body of bodies) body.answer();
      expect(bodies.filter(({ state }) => state === 'arriving')).toEqual([]);
      expect(budget.held).toBe(0);
      expect(budget.ended).toBe(before);
      nextTurn();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 300 },
  );
});
