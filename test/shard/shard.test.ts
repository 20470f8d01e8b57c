import { beforeEach, describe, expect, test } from 'vitest';
import { Shard } from '../../src/shard/shard.ts';
import { createShardFolder } from '../../src/storage/create-shard-folder.ts';
import { shardPlace, startOf } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { readJournal } from '../support/disk/shard-files.ts';
import { get, put, remove } from '../support/stores/operations.ts';

const journal = `${shardPlace.folder}/journal-000001.ndjson`;

const wholeNamespace = {
  prefix: '',
  start: undefined,
  end: undefined,
  after: undefined,
  limit: 10,
  reverse: false,
  includeValues: true,
};

let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
  createShardFolder(files, shardPlace.folder, shardPlace.identity);
});

function startShard(heapBytesMax?: number): Shard {
  const clock = new ManualClock();
  const shard = new Shard({
    ...shardPlace,
    fileSystem: files,
    fsync: 'always',
    clock,
    ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
  });
  shard.start(startOf(0));
  return shard;
}

describe('a batch', () => {
  test('is one line of the journal, written and synced once before it is answered', () => {
    const shard = startShard();
    shard.apply({ stamp: 0, operations: [put('makes room', '1')] });
    const calls: string[] = [];
    files.fault = (call) => {
      calls.push(call);
      return undefined;
    };
    shard.apply({ stamp: 0, operations: [put('a', '1'), put('b', '2'), remove('a'), get('b')] });
    expect(calls).toEqual(['write', 'sync']);
    const lines = readJournal(files, journal).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? '')).toHaveProperty('records.length', 3);
  });

  test('is written over room that was made ahead, which a stop cuts off', () => {
    const shard = startShard();
    shard.apply({ stamp: 0, operations: [put('a', '1')] });
    const { length } = files.read(journal);
    for (let index = 0; index < 100; index++) {
      shard.apply({ stamp: 0, operations: [put(`k${index}`, '1')] });
    }
    expect(files.read(journal)).toHaveLength(length);
    shard.stop(0);
    expect(files.read(journal).toString()).toMatch(/"mark":"stop".*}\n$/);
  });

  test('judges what is one moment over several shards by that moment, and the rest by its own', () => {
    const shard = startShard();
    shard.apply({ stamp: 0, operations: [put('k', '1', { ttlMs: 100 })] });
    const [namespace, key] = ['default', 'k'];
    const query = { ...wholeNamespace, namespace };
    const seenAt = (now: number): unknown[] => {
      const { results } = shard.apply({
        stamp: 200,
        operations: [
          { op: 'getAt', namespace, key, now },
          { op: 'count', namespace, now },
          { op: 'list', query, now },
          { op: 'sweep', now },
        ],
      });
      return results.slice(0, 3);
    };
    const item = expect.objectContaining({ key }) as unknown;
    expect(seenAt(99)).toMatchObject([{ kind: 'entry' }, { count: 1 }, { items: [item] }]);
    const [read] = shard.apply({ stamp: 200, operations: [get('k')] }).results;
    expect(read).toEqual({ kind: 'missing' });
    expect(shard.report().entries).toBe(1);
    expect(seenAt(100)).toMatchObject([{ kind: 'missing' }, { count: 0 }, { items: [] }]);
    expect(shard.report().entries).toBe(0);
  });

  test('goes on without room made ahead where the disk has none', () => {
    const shard = startShard();
    files.fault = (call, _, bytes) => {
      if (call === 'write' && bytes > 60_000)
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      return undefined;
    };
    const { results } = shard.apply({ stamp: 0, operations: [put('a', '1')] });
    expect(results).toMatchObject([{ kind: 'written' }]);
    expect(files.read(journal).length).toBeLessThan(1000);
  });

  test('that changes nothing touches no file', () => {
    const shard = startShard();
    files.fault = (call) => {
      throw new Error(call);
    };
    const { results } = shard.apply({ stamp: 0, operations: [get('a'), remove('a')] });
    expect(results).toEqual([{ kind: 'missing' }, { kind: 'missing' }]);
  });
});

describe('a deadline', () => {
  test('beyond what a number can hold is the last one that it can, and is recovered', () => {
    const put2 = put('a', '1', { ttlMs: Number.MAX_SAFE_INTEGER - 5 });
    startShard().apply({ stamp: 1000, operations: [put2] });
    const [answer] = startShard().apply({ stamp: 1000, operations: [get('a')] }).results;
    expect(answer).toMatchObject({ kind: 'entry', expiresAt: Number.MAX_SAFE_INTEGER });
  });
});

describe('an idle mark', () => {
  test.each(['ENOSPC', 'EIO'])('that meets %s takes nothing back from its batch', (code) => {
    const shard = startShard();
    shard.apply({ stamp: 0, operations: [put('makes room', '1')] });
    let writes = 0;
    files.fault = (call) => {
      if (call === 'write') writes += 1;
      if (call === 'write' && writes === 2) throw Object.assign(new Error(code), { code });
      return undefined;
    };
    const { results } = shard.apply({ stamp: 0, operations: [put('a', '1'), { op: 'mark' }] });
    expect(results).toMatchObject([{ kind: 'written' }, { kind: 'done' }]);
    files.fault = () => undefined;
    expect(startShard().apply({ stamp: 0, operations: [get('a')] }).results).toMatchObject([
      { kind: 'entry' },
    ]);
  });
});

describe('a journal whose sync or cut has failed', () => {
  test.each(['sync', 'truncate'])(
    'by a failing %s is never written again, and a new one goes on where it was last good',
    (failing) => {
      const shard = startShard();
      shard.apply({ stamp: 0, operations: [put('a', '1')] });
      files.fault = (call, path) => {
        const fails = call === failing || (failing === 'truncate' && call === 'write');
        if (fails && path.includes('journal'))
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        return undefined;
      };
      const { report } = shard.apply({ stamp: 0, operations: [put('a', '2')] });
      expect(report.isBroken).toBe(true);
      files.fault = () => undefined;
      const before = files.contents();
      expect(() => shard.beginCompaction(0)).toThrow('failed before');
      const [refused] = shard.apply({ stamp: 0, operations: [put('a', '3')] }).results;
      expect(refused).toMatchObject({ kind: 'refused', error: { outcome: 'not-applied' } });
      expect(files.contents()).toEqual(before);
      shard.mend(0);
      const [kept, added] = shard.apply({
        stamp: 0,
        operations: [get('a'), put('b', '1')],
      }).results;
      expect([kept, added]).toMatchObject([{ value: '1' }, { kind: 'written', version: 2 }]);
      shard.stop(0);
      const broken = `${shardPlace.folder}/journal-000001.ndjson`;
      expect(files.contents().get(broken)).toEqual(before.get(broken));
    },
  );
});

describe('a shard whose memory is full', () => {
  test('refuses puts, answers reads, and takes puts again after a delete', () => {
    const shard = startShard(10_000);
    const answersTo = (...operations: Parameters<Shard['apply']>[0]['operations']) =>
      shard.apply({ stamp: 0, operations }).results;
    expect(answersTo(put('a', 'x'.repeat(5000)))).toMatchObject([{ kind: 'written' }]);
    const [refused] = answersTo(put('b', 'x'.repeat(5000)));
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'SHARD_FULL' } });
    expect(answersTo(get('a'))).toMatchObject([{ kind: 'entry' }]);
    answersTo(remove('a'));
    expect(answersTo(put('b', 'x'.repeat(5000)))).toMatchObject([{ kind: 'written' }]);
  });
});
