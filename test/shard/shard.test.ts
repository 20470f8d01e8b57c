import { beforeEach, describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { OpenedShard } from '../../src/shard/opened-shard.ts';
import type { ShardOperation } from '../../src/protocol/shard-operation.ts';
import type { Shard } from '../../src/shard/shard.ts';
import { createShardFolder } from '../../src/storage/create-shard-folder.ts';
import { shardPlace, startOf } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { failAt, failEach, heal, recordCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { readJournal } from '../support/disk/shard-files.ts';
import { get, listOf, put, remove } from '../support/stores/operations.ts';

const journal = `${shardPlace.folder}/journal-000001.ndjson`;

let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
  createShardFolder(files, shardPlace.folder, shardPlace.identity);
});

function startShard(
  keptBytesMax = Infinity,
  workBytesMax = Infinity,
  fsync: FsyncMode = 'always',
): Shard {
  const clock = new ManualClock();
  const opened = new OpenedShard({
    ...shardPlace,
    fileSystem: files,
    fsync,
    clock,
    memory: { keptBytesMax, workBytesMax },
  });
  return opened.start(startOf(opened.found.at));
}

describe('a batch', () => {
  test('is one line of the journal, written and synced once before it is answered', () => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('makes room', '1')] });
    const calls = recordCalls(files);
    shard.apply({
      timestamp: 0,
      operations: [put('a', '1'), put('b', '2'), remove('a'), get('b')],
    });
    expect(calls).toEqual(['write', 'sync']);
    const lines = readJournal(files, journal).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? '')).toHaveProperty('records.length', 3);
  });

  test.each(['interval', 'never'] as const)(
    'is synced in %s only if one of its changes must be',
    (fsync) => {
      const shard = startShard(Infinity, Infinity, fsync);
      const changes = [{ ...get('a'), put: { value: Buffer.from('1'), expiresAt: undefined } }];
      const change = (synced: boolean): ShardOperation => {
        const version = shard.report().nextSeq;
        return { op: 'change', changes, version, validUntil: Infinity, synced };
      };
      shard.apply({ timestamp: 0, operations: [put('makes room', '1')] });
      const calls = recordCalls(files);
      shard.apply({ timestamp: 0, operations: [change(false)] });
      expect(calls).toEqual(['write']);
      expect(shard.report().hasUnsynced).toBe(true);
      shard.apply({ timestamp: 0, operations: [put('b', '1'), change(true), put('c', '1')] });
      expect(calls).toEqual(['write', 'write', 'sync']);
      expect(shard.report().hasUnsynced).toBe(false);
    },
  );

  test('is written over blanks that the journal grew ahead, which a stop cuts off', () => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('a', '1')] });
    const { length } = files.read(journal);
    for (let index = 0; index < 100; index++) {
      shard.apply({ timestamp: 0, operations: [put(`k${index}`, '1')] });
    }
    expect(files.read(journal)).toHaveLength(length);
    shard.stop(0);
    expect(files.read(journal).toString()).toMatch(/"mark":"stop".*}\n$/);
  });

  test('judges deadlines by the moment of each operation that states one, else by its own timestamp', () => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('k', '1', { ttlMs: 100 })] });
    const [namespace, key] = ['default', 'k'];
    const query = listOf({ includeValues: true });
    const seenAt = (now: number): unknown[] => {
      const { results } = shard.apply({
        timestamp: 200,
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
    const [read] = shard.apply({ timestamp: 200, operations: [get('k')] }).results;
    expect(read).toEqual({ kind: 'missing' });
    expect(shard.report().entries).toBe(1);
    expect(seenAt(100)).toMatchObject([{ kind: 'missing' }, { count: 0 }, { items: [] }]);
    expect(shard.report().entries).toBe(0);
  });

  test('is written without blanks ahead if the disk has no room for them', () => {
    const shard = startShard();
    failEach(files, { longerThan: 60_000, code: 'ENOSPC' });
    const { results } = shard.apply({ timestamp: 0, operations: [put('a', '1')] });
    expect(results).toMatchObject([{ kind: 'written' }]);
    expect(files.read(journal).length).toBeLessThan(1000);
  });

  test('that changes nothing touches no file', () => {
    const shard = startShard();
    const calls = recordCalls(files);
    const { results } = shard.apply({ timestamp: 0, operations: [get('a'), remove('a')] });
    expect(results).toEqual([{ kind: 'missing' }, { kind: 'missing' }]);
    expect(calls).toEqual([]);
  });
});

describe('a deadline', () => {
  test('beyond the largest safe integer becomes that integer, and is recovered', () => {
    const put2 = put('a', '1', { ttlMs: Number.MAX_SAFE_INTEGER - 5 });
    startShard().apply({ timestamp: 1000, operations: [put2] });
    const [answer] = startShard().apply({ timestamp: 1000, operations: [get('a')] }).results;
    expect(answer).toMatchObject({ kind: 'entry', expiresAt: Number.MAX_SAFE_INTEGER });
  });
});

describe('an idle mark', () => {
  test.each(['ENOSPC', 'EIO'])('that fails with %s takes back no write of its batch', (code) => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('makes room', '1')] });
    failAt(files, 2, { call: 'write', code });
    const { results } = shard.apply({ timestamp: 0, operations: [put('a', '1'), { op: 'mark' }] });
    expect(results).toMatchObject([{ kind: 'written' }, { kind: 'done' }]);
    heal(files);
    expect(startShard().apply({ timestamp: 0, operations: [get('a')] }).results).toMatchObject([
      { kind: 'entry' },
    ]);
  });
});

describe('a journal whose sync or cut has failed', () => {
  test.each([
    ['sync', ['sync']],
    ['truncate', ['truncate', 'write']],
  ] as const)(
    'by a failing %s is never written again, and a new one goes on behind the last good sync',
    (_, call) => {
      const shard = startShard();
      shard.apply({ timestamp: 0, operations: [put('a', '1')] });
      failEach(files, { call, path: /journal/ });
      const { report } = shard.apply({ timestamp: 0, operations: [put('a', '2')] });
      expect(report.isBroken).toBe(true);
      heal(files);
      const before = files.contents();
      expect(() => shard.beginCompaction(0)).toThrow('failed before');
      const [refused] = shard.apply({ timestamp: 0, operations: [put('a', '3')] }).results;
      expect(refused).toMatchObject({ kind: 'refused', error: { outcome: 'not-applied' } });
      expect(files.contents()).toEqual(before);
      shard.mend(0);
      const [kept, added] = shard.apply({
        timestamp: 0,
        operations: [get('a'), put('b', '1')],
      }).results;
      expect([kept, added]).toMatchObject([{ value: '1' }, { kind: 'written', version: 2 }]);
      shard.stop(0);
      const broken = `${shardPlace.folder}/journal-000001.ndjson`;
      expect(files.contents().get(broken)).toEqual(before.get(broken));
    },
  );
});

function answersOf(
  shard: Shard,
  ...operations: Parameters<Shard['apply']>[0]['operations']
): unknown[] {
  return [...shard.apply({ timestamp: 0, operations }).results];
}

describe('a shard whose memory is full', () => {
  const full = { kind: 'refused', error: { code: 'SHARD_FULL', outcome: 'not-applied' } };

  test('refuses puts, answers reads, and takes puts again after a delete', () => {
    const shard = startShard(10_000);
    expect(answersOf(shard, put('a', 'x'.repeat(5000)))).toMatchObject([{ kind: 'written' }]);
    expect(answersOf(shard, put('b', 'x'.repeat(5000)))).toMatchObject([full]);
    expect(answersOf(shard, get('a'))).toMatchObject([{ kind: 'entry' }]);
    answersOf(shard, remove('a'));
    expect(answersOf(shard, put('b', 'x'.repeat(5000)))).toMatchObject([{ kind: 'written' }]);
  });

  test('takes a put that needs no more room than the entry it replaces, and reports its memory', () => {
    const shard = startShard(10_000);
    answersOf(shard, put('a', 'x'.repeat(5000)));
    const { heapBytes, heapBytesMax } = shard.report();
    expect(heapBytes).toBeGreaterThan(5000);
    expect(heapBytesMax).toBe(10_000);
    expect(answersOf(shard, put('a', 'y'.repeat(5000)))).toMatchObject([{ kind: 'written' }]);
    expect(answersOf(shard, put('a', 'y'.repeat(5001)))).toMatchObject([full]);
    expect(answersOf(shard, put('a', 'y'.repeat(5000), { ttlMs: 5 }))).toMatchObject([full]);
    expect(shard.report().heapBytes).toBe(heapBytes);
  });

  test('counts a namespace that has no entry yet', () => {
    const shard = startShard(2000);
    expect(answersOf(shard, put('a', 'x'))).toMatchObject([{ kind: 'written' }]);
    expect(answersOf(shard, put('b', 'x'))).toMatchObject([{ kind: 'written' }]);
    expect(answersOf(shard, { ...put('a', 'x'), namespace: 'other' })).toMatchObject([full]);
  });

  test('refuses a put that it could keep but not write, or that a start could not read', () => {
    const shard = startShard(Infinity, 10_000_000);
    expect(answersOf(shard, put('large', 'x'.repeat(700_000)))).toMatchObject([full]);
    expect(answersOf(shard, put('large', 'x'.repeat(400_000)))).toMatchObject([
      { kind: 'written' },
    ]);
    // A start reads values in any order, so the large one may come when all others are in memory.
    let written = 0;
    for (let entries = -1; entries < shard.report().entries; written++) {
      ({ entries } = shard.report());
      answersOf(shard, put(`k${written}`, 'x'.repeat(60_000)));
    }
    const left = 10_000_000 - shard.report().heapBytes;
    expect(left).toBeGreaterThan(15 * 400_000);
    expect(written).toBeGreaterThanOrEqual(20);
    expect(answersOf(shard, put('large', 'y'.repeat(400_000)))).toMatchObject([
      { kind: 'written' },
    ]);
    answersOf(shard, remove('large'));
    expect(answersOf(shard, put('more', 'x'.repeat(60_000)))).toMatchObject([{ kind: 'written' }]);
  });

  test('leaves a put without room in its batch to the next one', () => {
    const shard = startShard(Infinity, 10_000_000);
    const puts = [1, 2, 3].map((n) => put(`k${n}`, 'x'.repeat(400_000)));
    expect(answersOf(shard, ...puts)).toMatchObject([{ kind: 'written' }]);
    expect(answersOf(shard, ...puts.slice(1))).toMatchObject([{ kind: 'written' }]);
  });
});

function command(name: string, access: 'read' | 'write', ...args: string[]) {
  const keys = name === 'mget' ? args : args.slice(0, 1);
  const key = keys[0] ?? '';
  const valueBytesMax = 8 * 1024 * 1024;
  return {
    op: 'command',
    namespace: 'default',
    key,
    name,
    access,
    args,
    keys,
    valueBytesMax,
  } as const;
}

describe('a command', () => {
  test('whose reply would be too large is refused, however often it names a key', () => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('a', 'x'.repeat(1_000_000))] });
    const mget = command('mget', 'read', ...Array.from({ length: 70 }, () => 'a'));
    expect(shard.apply({ timestamp: 0, operations: [mget] }).results).toMatchObject([
      { kind: 'refused', error: { code: 'REPLY_TOO_LARGE', outcome: 'not-applied' } },
    ]);
    const [answer] = shard.apply({
      timestamp: 0,
      operations: [command('mget', 'read', ...mget.args.slice(10))],
    }).results;
    expect(answer).toMatchObject({ kind: 'reply', reply: { kind: 'array' } });
  });

  test('that writes more than it was sent ends its batch before the line grows too long', () => {
    const shard = startShard();
    shard.apply({ timestamp: 0, operations: [put('a', 'x'.repeat(1_000_000))] });
    const appends = Array.from({ length: 10 }, () => command('append', 'write', 'a', 'y'));
    let left = appends.length;
    let batches = 0;
    for (; left > 0; batches++) {
      left -= shard.apply({ timestamp: 0, operations: appends.slice(0, left) }).results.length;
    }
    expect(batches).toBe(2);
    expect(shard.apply({ timestamp: 0, operations: [get('a')] }).results).toMatchObject([
      { value: `${'x'.repeat(1_000_000)}${'y'.repeat(10)}` },
    ]);
  });
});
