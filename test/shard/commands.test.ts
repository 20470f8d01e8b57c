// A shard runs commands in the order of their batch, and makes all changes of a command or none.
import { beforeEach, describe, expect, test } from 'vitest';
import { isResolved, resolveCommand } from '../../src/commands/resolve-command.ts';
import type { ShardOperation, ShardResult } from '../../src/protocol/shard-operation.ts';
import type { BareShardStore } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { failEach, heal } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { compactShard, openShard } from '../support/disk/shard-files.ts';
import { get, put } from '../support/stores/operations.ts';

let files: MemoryFileSystem;
let clock: ManualClock;
let store: BareShardStore;
beforeEach(() => {
  files = new MemoryFileSystem();
  clock = new ManualClock();
  store = openShard(files, 'always', clock);
});

function command(text: string): ShardOperation {
  const found = resolveCommand(text.split(' '));
  if (!isResolved(found) || found.command.kind !== 'keyed') throw new Error(`no command: ${text}`);
  const { args, keys } = found;
  const { name, access } = found.command;
  const [key = ''] = keys;
  const valueBytesMax = 1024 * 1024;
  return { op: 'command', namespace: 'default', key, name, access, args, keys, valueBytesMax };
}

function ask(...texts: string[]): unknown[] {
  return store.ask(...texts.map(command)).map(plain);
}

function plain(result: ShardResult): unknown {
  if (result.kind !== 'reply') return result;
  const { reply } = result;
  if (reply.kind === 'array') return reply.items?.map((item) => plain({ ...result, reply: item }));
  return 'value' in reply ? reply.value : reply;
}

describe('in one batch', () => {
  test('each command sees the operations before it, of any kind', () => {
    const value = Buffer.from('5');
    const results = store.ask(
      command('SET n 1'),
      command('INCR n'),
      { op: 'put', namespace: 'default', key: 'n', value },
      command('INCRBY n 10'),
      command('APPEND n 0'),
      get('n'),
      command('GETDEL n'),
      command('EXISTS n n'),
    );
    expect(results.map(plain)).toEqual([
      { kind: 'status', text: 'OK' },
      2,
      expect.objectContaining({ kind: 'written', created: false }),
      15,
      3,
      expect.objectContaining({ kind: 'entry', value: Buffer.from('150') }),
      '150',
      0,
    ]);
  });

  test('a command that fails changes nothing, and those behind it are carried out', () => {
    expect(ask('SET a text', 'INCR a', 'APPEND a !', 'GET a')).toEqual([
      { kind: 'status', text: 'OK' },
      { kind: 'error', message: 'ERR value is not an integer or out of range' },
      5,
      'text!',
    ]);
  });

  test('one command changes several keys', () => {
    expect(ask('MSET a 1 b 2 a 3', 'MGET a b c', 'RENAME a b', 'MGET a b')).toEqual([
      { kind: 'status', text: 'OK' },
      ['3', '2', null],
      { kind: 'status', text: 'OK' },
      [null, '3'],
    ]);
  });
});

test('deadlines are judged by the timestamp of the batch', () => {
  ask('SET a 1 PX 100', 'SET b 1 EX 100');
  clock.advance(99);
  expect(ask('PTTL a', 'PERSIST b', 'TTL b')).toEqual([1, 1, -1]);
  clock.advance(1);
  expect(ask('GET a', 'PTTL a', 'SETNX a 2')).toEqual([null, -2, 1]);
});

test('writes are there after a restart, and after a compaction, with their versions', async () => {
  ask('SET a \u{ff}\0 EX 1000', 'SETRANGE b 3 x', 'SET c 1', 'DEL c');
  const before = await store.submit(get('a'));
  expect(before).toMatchObject({ kind: 'entry', value: Buffer.from([0xff, 0x00]) });
  for (const isCompacted of [false, true]) {
    if (isCompacted) compactShard(files, store);
    store.shard.stop(store.timestamp());
    store = openShard(files, 'always', clock);
    // oxlint-disable-next-line no-await-in-loop -- one life after the other
    expect(await store.submit(get('a'))).toEqual(before);
    expect(ask('GET b', 'EXISTS c')).toEqual(['\0\0\0x', 0]);
  }
});

test('a write whose sync fails is of unknown outcome, and a read in the same batch is not applied', () => {
  ask('SET a 1');
  failEach(files, { call: 'sync' });
  expect(ask('INCR a', 'GET a')).toEqual([
    expect.objectContaining({ error: expect.objectContaining({ outcome: 'unknown' }) }),
    expect.objectContaining({ error: expect.objectContaining({ outcome: 'not-applied' }) }),
  ]);
  heal(files);
  store.shard.mend(store.timestamp());
  expect(ask('GET a')).toEqual(['1']);
});

describe('without room', () => {
  test('a command of several changes makes none of them', () => {
    files.capacityBytes = 512 * 1024;
    store.ask(put('a', 'a'), put('b', 'b'));
    const large = 'v'.repeat(600 * 1024);
    expect(ask(`MSET a 1 b ${large}`)).toEqual([
      expect.objectContaining({
        kind: 'refused',
        error: expect.objectContaining({ code: 'DISK_FULL', outcome: 'not-applied' }),
      }),
    ]);
    expect(ask('GET a', 'GET b')).toEqual(['a', 'b']);
    files.capacityBytes = Infinity;
    expect(ask(`MSET a 1 b ${large}`, 'GET a')).toEqual([{ kind: 'status', text: 'OK' }, '1']);
  });
});
