import { beforeEach, describe, expect, test, vi } from 'vitest';
import { RecordChanges, type RecordTransaction } from '../../src/access/record-changes.ts';
import { ManualTimers } from '../support/simulated/manual-timers.ts';
import { DoubtfulStore } from '../support/stores/doubtful-store.ts';

const first = { namespace: '~access', key: 'first' };
const second = { namespace: '~access', key: 'second' };

let store: DoubtfulStore;
let timers: ManualTimers;
let records: RecordChanges;
/** Texts of the transactions that memory has followed, and of those that it has not. */
let applied: string[];
let dismissed: string[];

beforeEach(() => {
  store = new DoubtfulStore();
  timers = new ManualTimers();
  records = new RecordChanges({
    store,
    sleep: (ms) => new Promise((resolve) => timers.later(ms, resolve)),
  });
  [applied, dismissed] = [[], []];
});

function put(text: string, rest: Partial<RecordTransaction> = {}): RecordTransaction {
  return {
    changes: [{ name: first, put: Buffer.from(text) }],
    apply: () => void applied.push(text),
    dismiss: () => void dismissed.push(text),
    ...rest,
  };
}

function remove(): RecordTransaction {
  const changes = [second, first].map((name) => ({ name, put: undefined }));
  return put('removed', { changes });
}

async function outcomeOf(transaction: RecordTransaction): Promise<unknown> {
  return await records
    .exclusive(() => records.commit(transaction))
    .then(
      () => 'done',
      ({ code, outcome }: { code: string; outcome: string }) => `${code} ${outcome}`,
    );
}

describe('a change', () => {
  test('is made on stable storage, and memory follows', async () => {
    expect(await outcomeOf(put('1'))).toBe('done');
    expect([applied, dismissed]).toEqual([['1'], []]);
    expect(store.options).toEqual([{ synced: true, alone: false }]);
    expect(await store.submit({ op: 'get', ...first })).toMatchObject({ kind: 'entry' });
  });

  test('that flushes a namespace is alone', async () => {
    await store.submit({ op: 'put', namespace: 'app', key: 'a', value: Buffer.from('1') });
    expect(await outcomeOf(put('1', { flush: ['app'] }))).toBe('done');
    expect(await store.count('app')).toBe(0);
    expect(store.options).toEqual([{ synced: true, alone: ['app'] }]);
  });

  test('that the store refuses leaves memory as it is', async () => {
    store.fates.push('refused');
    expect(await outcomeOf(put('1'))).toBe('SHARD_UNAVAILABLE not-applied');
    expect([applied, dismissed]).toEqual([[], ['1']]);
  });

  test.each([
    ['made', 'done'],
    ['lost', 'SHARD_UNAVAILABLE not-applied'],
  ] as const)('whose answer was lost is looked for: %s', async (fate, outcome) => {
    await outcomeOf(put('0'));
    store.fates.push(fate);
    expect(await outcomeOf(put('1'))).toBe(outcome);
    expect(applied).toEqual(fate === 'made' ? ['0', '1'] : ['0']);
    expect(dismissed).toEqual(fate === 'made' ? [] : ['1']);
  });

  test('whose answer was lost is not looked for by a direct read', async () => {
    await outcomeOf(put('0'));
    const transact = vi.spyOn(store, 'transact');
    store.fates.push('lost');
    expect(await outcomeOf(put('1'))).toBe('SHARD_UNAVAILABLE not-applied');
    expect(dismissed).toEqual(['1']);
    // A transaction reads through the queue, behind the abort of the change.
    expect(transact.mock.calls.map(([names]) => names)).toEqual([
      [first],
      [{ ...first, isReadOnly: true }],
    ]);
  });

  test.each(['made', 'lost'] as const)(
    'that puts the same bytes again is told from the one before: %s',
    async (fate) => {
      await outcomeOf(put('1'));
      store.fates.push(fate);
      expect(await outcomeOf(put('1'))).toContain(fate === 'made' ? 'done' : 'not-applied');
    },
  );

  test.each(['made', 'lost'] as const)(
    'that deletes is told by a record that there was: %s',
    async (fate) => {
      await outcomeOf(put('1'));
      store.fates.push(fate);
      // The second record is missing in either case.
      expect(await outcomeOf(remove())).toContain(fate === 'made' ? 'done' : 'not-applied');
    },
  );
});

describe('a change whose outcome cannot be told yet', () => {
  test.each(['made', 'lost'] as const)('is unknown, and memory follows later: %s', async (fate) => {
    store.isAway = true;
    store.fates.push(fate);
    expect(await outcomeOf(put('1'))).toBe('SHARD_UNAVAILABLE unknown');
    await timers.run();
    expect([applied, dismissed, timers.waiting]).toEqual([[], [], 1]);
    store.isAway = false;
    await timers.run();
    expect(applied).toEqual(fate === 'made' ? ['1'] : []);
    expect(dismissed).toEqual(fate === 'made' ? [] : ['1']);
    expect(timers.waiting).toBe(0);
    expect(await outcomeOf(put('2'))).toBe('done');
  });

  test('keeps later changes out until it is known', async () => {
    store.isAway = true;
    store.fates.push('made');
    const waiting = [outcomeOf(put('1')), outcomeOf(put('2'))];
    expect(await Promise.all(waiting)).toEqual([
      'SHARD_UNAVAILABLE unknown',
      'SHARD_UNAVAILABLE not-applied',
    ]);
    store.isAway = false;
    await timers.run();
    expect(await outcomeOf(put('3'))).toBe('done');
    expect(applied).toEqual(['1', '3']);
  });
});

test('changes come one after the other, in the order in which they were asked', async () => {
  const order: number[] = [];
  const work = (number: number) => async (): Promise<void> => {
    order.push(number);
    await Promise.resolve();
    order.push(number);
  };
  await Promise.all([1, 2, 3].map((number) => records.exclusive(work(number))));
  expect(order).toEqual([1, 1, 2, 2, 3, 3]);
});

test('too many waiting changes are refused, and those before them are made', async () => {
  const results = await Promise.all(
    Array.from({ length: 1001 }, (_, index) => outcomeOf(put(`${index}`))),
  );
  expect(results.slice(0, 1000)).toEqual(results.slice(0, 1000).map(() => 'done'));
  expect(results.at(-1)).toBe('OVERLOADED not-applied');
});
