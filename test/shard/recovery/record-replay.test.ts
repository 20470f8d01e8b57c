import { beforeEach, describe, expect, test } from 'vitest';
import { RecordReplay } from '../../../src/shard/recovery/record-replay.ts';
import type { ChangeRecord, JournalRecord, PrepareRecord } from '../../../src/storage/record.ts';

let made: string[];
let replay: RecordReplay;

beforeEach(() => {
  made = [];
  replay = new RecordReplay({
    change: ({ namespace, key, version, record, transaction }) => {
      const what = record.op === 'put' ? record.value : 'nothing';
      const where = transaction === undefined ? '' : ' in t';
      made.push(`${namespace}/${key}@${version}=${what}${where}`);
    },
    flush: (namespace, seq) => made.push(`flush ${namespace}@${seq}`),
  });
});

const put = (key: string, value: string) => ({ op: 'put', key, value }) as const;

function prepare(...changes: ChangeRecord[]): PrepareRecord {
  return { op: 'prepare', transaction: 't', participants: [0, 1], version: 4, changes };
}

const commit: JournalRecord = { op: 'commit', transaction: 't' };
const abort: JournalRecord = { op: 'abort', transaction: 't' };

describe('a change', () => {
  test('has the seq of its record as version, unless it states another', () => {
    replay.take([put('a', '1'), { ...put('b', '2'), version: 3 }, { op: 'delete', key: 'a' }], 5);
    expect(made).toEqual(['default/a@5=1', 'default/b@3=2', 'default/a@7=nothing']);
  });

  test('is of the namespace that it names, by a key that is a byte string', () => {
    replay.take([{ ...put('é', '1'), namespace: 'other' }], 1);
    expect(made).toEqual(['other/\u{c3}\u{a9}@1=1']);
  });
});

describe('a flush', () => {
  test('comes in its place, of the namespace that it names', () => {
    replay.take([put('a', '1'), { op: 'flush' }, { op: 'flush', namespace: 'other' }], 5);
    expect(made).toEqual(['default/a@5=1', 'flush default@6', 'flush other@7']);
  });

  test('of a prepared transaction comes before its changes, once it is committed', () => {
    replay.take([{ ...prepare(put('a', '1')), flush: ['default'] }], 5);
    expect(made).toEqual([]);
    replay.take([commit], 6);
    expect(made).toEqual(['flush default@4', 'default/a@4=1 in t']);
  });
});

describe('a prepared transaction', () => {
  const changes = [put('a', '2'), { op: 'delete', key: 'b' }] as const;

  test('changes nothing before the commit, and then all, with its version', () => {
    replay.take([prepare(...changes)], 4);
    expect(made).toEqual([]);
    expect([...replay.prepared.keys()]).toEqual(['t']);
    replay.take([put('c', '1'), commit, put('a', '3')], 5);
    expect(made).toEqual([
      'default/c@5=1',
      'default/a@4=2 in t',
      'default/b@4=nothing in t',
      'default/a@7=3',
    ]);
    expect([replay.prepared.size, [...replay.outcomes]]).toEqual([0, [['t', true]]]);
  });

  test('changes nothing if it is aborted', () => {
    replay.take([prepare(...changes), abort], 4);
    expect(made).toEqual([]);
    expect([replay.prepared.size, [...replay.outcomes]]).toEqual([0, [['t', false]]]);
  });

  test('that is restated takes effect once', () => {
    replay.take([prepare(...changes), prepare(...changes), commit, commit], 4);
    expect(made).toEqual(['default/a@4=2 in t', 'default/b@4=nothing in t']);
  });

  test('that is in doubt is resolved from outside, once', () => {
    replay.take([prepare(...changes)], 4);
    replay.resolve('another', true);
    expect([made, replay.prepared.size]).toEqual([[], 1]);
    replay.resolve('t', true);
    replay.resolve('t', true);
    expect(made).toEqual(['default/a@4=2 in t', 'default/b@4=nothing in t']);
    // Only the files decide whether there is an outcome record.
    expect(replay.outcomes.size).toBe(0);
  });

  test('that is aborted from outside changes nothing', () => {
    replay.take([prepare(...changes)], 4);
    replay.resolve('t', false);
    replay.resolve('t', true);
    expect(made).toEqual([]);
  });
});

test('an outcome of a transaction that was not prepared changes nothing, and is remembered', () => {
  replay.take([commit, put('a', '1')], 1);
  expect(made).toEqual(['default/a@2=1']);
  expect(replay.outcomes.get('t')).toBe(true);
});
