import { beforeEach, describe, expect, test } from 'vitest';
import { Deadlines } from '../../../src/shard/table/deadlines.ts';
import { NamespaceTable } from '../../../src/shard/table/namespace-table.ts';
import { NodePool } from '../../../src/shard/table/node-pool.ts';
import { OrderedIndex } from '../../../src/shard/table/ordered-index.ts';

let expiries: Map<number, number>;
let deadlines: Deadlines;
let a: NamespaceTable;
let b: NamespaceTable;

beforeEach(() => {
  const nodes = new NodePool();
  expiries = new Map();
  deadlines = new Deadlines(nodes, { expiryOf: (number) => expiries.get(number) });
  const namespace = (name: string, number: number) =>
    new NamespaceTable(name, number, new OrderedIndex<string>(nodes, () => 0));
  a = namespace('a', 0);
  b = namespace('b', 1);
});

function add(namespace: NamespaceTable, number: number, expiresAt: number): void {
  expiries.set(number, expiresAt);
  deadlines.add(namespace, number, expiresAt);
}

function remove(namespace: NamespaceTable, number: number): void {
  deadlines.remove(namespace, number, expiries.get(number) ?? NaN);
  expiries.delete(number);
}

const dueBy = (until: number) =>
  [...deadlines.namespacesDue(until)].map(({ name }) => name).join(',');

test('there is no deadline at first', () => {
  expect(deadlines.first).toBe(Infinity);
  expect(dueBy(Infinity)).toBe('');
});

test('the first deadline is the earliest of all namespaces', () => {
  add(a, 1, 50);
  add(b, 2, 40);
  add(a, 3, 30);
  expect(deadlines.first).toBe(30);
  remove(a, 3);
  expect(deadlines.first).toBe(40);
  remove(b, 2);
  remove(a, 1);
  expect(deadlines.first).toBe(Infinity);
});

test('namespaces come by their first deadlines, and entries by their own, the given one included', () => {
  add(a, 1, 50);
  add(b, 2, 40);
  add(a, 3, 60);
  expect(dueBy(39)).toBe('');
  expect(dueBy(40)).toBe('b');
  expect(dueBy(50)).toBe('b,a');
  expect([...deadlines.due(a, 50)]).toEqual([1]);
  expect([...deadlines.due(a, 60)]).toEqual([1, 3]);
});

test('entries with the same deadline are told apart', () => {
  for (const number of [5, 1, 3]) add(a, number, 10);
  remove(a, 1);
  expect([...deadlines.due(a, 10)]).toEqual([3, 5]);
  expect(deadlines.first).toBe(10);
});

describe('a namespace that is left out', () => {
  beforeEach(() => {
    add(a, 1, 10);
    add(b, 2, 20);
    deadlines.leaveOut(a);
  });

  test('has no part in the first deadline', () => {
    expect(deadlines.first).toBe(20);
    expect(dueBy(100)).toBe('b');
  });

  test('has it again once it is restored', () => {
    deadlines.restore(a);
    expect(deadlines.first).toBe(10);
    expect(dueBy(100)).toBe('a,b');
    remove(a, 1);
    expect(deadlines.first).toBe(20);
  });
});
