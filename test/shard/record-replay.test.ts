import { beforeEach, describe, expect, test } from 'vitest';
import { RecordReplay } from '../../src/shard/record-replay.ts';
import type { ChangeRecord, JournalRecord, PartRecord } from '../../src/storage/record.ts';

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

function part(...changes: ChangeRecord[]): PartRecord {
  return { op: 'part', transaction: 't', shards: [0, 1], version: 4, changes };
}

function note(committed: boolean): JournalRecord {
  return { op: 'note', transaction: 't', committed };
}

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

  test('of a part comes before its changes, once it is committed', () => {
    replay.take([{ ...part(put('a', '1')), flush: ['default'] }], 5);
    expect(made).toEqual([]);
    replay.take([note(true)], 6);
    expect(made).toEqual(['flush default@4', 'default/a@4=1 in t']);
  });
});

describe('a part', () => {
  const changes = [put('a', '2'), { op: 'delete', key: 'b' }] as const;

  test('changes nothing before its note, and then all, with its version', () => {
    replay.take([part(...changes)], 4);
    expect(made).toEqual([]);
    expect([...replay.parts.keys()]).toEqual(['t']);
    replay.take([put('c', '1'), note(true), put('a', '3')], 5);
    expect(made).toEqual([
      'default/c@5=1',
      'default/a@4=2 in t',
      'default/b@4=nothing in t',
      'default/a@7=3',
    ]);
    expect([replay.parts.size, [...replay.notes]]).toEqual([0, [['t', true]]]);
  });

  test('changes nothing where its note says that it is not committed', () => {
    replay.take([part(...changes), note(false)], 4);
    expect(made).toEqual([]);
    expect([replay.parts.size, [...replay.notes]]).toEqual([0, [['t', false]]]);
  });

  test('that is restated is one part, and takes effect once', () => {
    replay.take([part(...changes), part(...changes), note(true), note(true)], 4);
    expect(made).toEqual(['default/a@4=2 in t', 'default/b@4=nothing in t']);
  });

  test('that has no note is decided from outside, once', () => {
    replay.take([part(...changes)], 4);
    replay.decide('another', true);
    expect([made, replay.parts.size]).toEqual([[], 1]);
    replay.decide('t', true);
    replay.decide('t', true);
    expect(made).toEqual(['default/a@4=2 in t', 'default/b@4=nothing in t']);
    // Whether there is a note is what the files say.
    expect(replay.notes.size).toBe(0);
  });

  test('that is dropped from outside changes nothing', () => {
    replay.take([part(...changes)], 4);
    replay.decide('t', false);
    replay.decide('t', true);
    expect(made).toEqual([]);
  });
});

test('a note without its part changes nothing, and is remembered', () => {
  replay.take([note(true), put('a', '1')], 1);
  expect(made).toEqual(['default/a@2=1']);
  expect(replay.notes.get('t')).toBe(true);
});
