import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeadlineQueue, type Deadline } from '../../src/base/deadline-queue.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('add'), at: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant('remove'), which: fc.nat(1000) }),
  fc.record({ do: fc.constant('takeDue'), now: fc.integer({ min: 0, max: 60 }) }),
);

test('gives the items in the order of their deadlines, whatever is removed meanwhile', () => {
  const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const queue = new DeadlineQueue<number>();
    const model = new Map<number, Deadline<number>>();
    const atOf = (item: number | undefined) => model.get(item ?? -1)?.at;
    const earliest = () => Math.min(...Array.from(model.values(), ({ at }) => at));
    for (const [number, each] of steps.entries()) {
      if ('at' in each) model.set(number, queue.add(number, each.at));
      if ('which' in each) {
        const [item, deadline] = [...model][each.which % Math.max(1, model.size)] ?? [];
        if (deadline !== undefined) queue.remove(deadline);
        model.delete(item ?? -1);
      }
      if ('now' in each) {
        const due = earliest() <= each.now ? earliest() : undefined;
        const taken = queue.takeDue(each.now);
        if (atOf(taken) !== due) throw new Error(`took ${taken}, and ${due} was due`);
        model.delete(taken ?? -1);
      }
      expect([queue.size, queue.nextAt]).toEqual([model.size, earliest()]);
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test('an item that was taken or removed is removed once', () => {
  const queue = new DeadlineQueue<string>();
  const taken = queue.add('a', 1);
  const removed = queue.add('b', 2);
  queue.add('c', 3);
  expect(queue.takeDue(1)).toBe('a');
  queue.remove(taken);
  queue.remove(removed);
  queue.remove(removed);
  expect([queue.size, queue.takeDue(2), queue.takeDue(3)]).toEqual([1, undefined, 'c']);
});
