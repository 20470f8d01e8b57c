import { beforeEach, describe, expect, test } from 'vitest';
import { Shard } from '../../src/shard/shard.ts';
import { createShardFolder } from '../../src/storage/create-shard-folder.ts';
import { shardPlace } from '../support/bare-shard-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { get, put, remove } from '../support/store-contract.ts';

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
  shard.start(0);
  return shard;
}

describe('a batch', () => {
  test('is one line of the journal, synced once before it is answered', () => {
    const shard = startShard();
    const calls: string[] = [];
    files.fault = (call) => {
      calls.push(call);
      return undefined;
    };
    shard.apply({ stamp: 0, operations: [put('a', '1'), put('b', '2'), remove('a'), get('b')] });
    expect(calls).toEqual(['write', 'sync']);
    const lines = files
      .read('/data/shard-0000/journal-000001.ndjson')
      .toString()
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toHaveProperty('records.length', 3);
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
