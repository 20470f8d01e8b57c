import { beforeEach, expect, test } from 'vitest';
import { ChangeLog, changeKinds } from '../../../src/shard/table/change-log.ts';

let log: ChangeLog<string>;

beforeEach(() => {
  log = new ChangeLog();
});

function changes() {
  return Array.from({ length: log.length }, (_, position) => log.at(position));
}

test('gives changes of every kind back in their order', () => {
  log.added(7);
  log.deleted(3, 'a');
  log.replaced(7, 40);
  log.flushed('b');
  expect(changes()).toEqual([
    { kind: changeKinds.add, number: 7, place: -1, namespace: undefined },
    { kind: changeKinds.delete, number: 3, place: -1, namespace: 'a' },
    { kind: changeKinds.replace, number: 7, place: 40, namespace: undefined },
    { kind: changeKinds.flush, number: -1, place: -1, namespace: 'b' },
  ]);
});

test('forgets everything when it is cleared, namespaces too', () => {
  log.deleted(1, 'a');
  log.flushed('a');
  log.clear();
  expect(log.length).toBe(0);
  log.added(2);
  log.added(4);
  expect(changes().map(({ number, namespace }) => ({ number, namespace }))).toEqual([
    { number: 2, namespace: undefined },
    { number: 4, namespace: undefined },
  ]);
});
