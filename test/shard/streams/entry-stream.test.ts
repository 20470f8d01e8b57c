import { beforeEach, expect, test } from 'vitest';
import { EntryStream } from '../../../src/shard/streams/entry-stream.ts';
import { liveSources } from '../../../src/shard/streams/live-entries.ts';
import { mergeEntryStreams } from '../../../src/shard/streams/merge-entry-streams.ts';
import { proveShard } from '../../../src/shard/recovery/recovery.ts';
import { valueOfRecord } from '../../../src/storage/record.ts';
import { shardPlace, type BareShardStore } from '../../support/stores/bare-shard-store.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { compactShard, folder, openShard, submitEach } from '../../support/disk/shard-files.ts';
import { put, remove } from '../../support/stores/operations.ts';

let files: MemoryFileSystem;
let store: BareShardStore;
beforeEach(() => {
  files = new MemoryFileSystem();
  store = openShard(files);
});

function streamOf(fileSystem: MemoryFileSystem, namespace?: string): EntryStream {
  const place = { ...shardPlace, fileSystem };
  const [source] = liveSources([proveShard(place)]);
  if (source === undefined) throw new Error('one shard has one source');
  return new EntryStream(fileSystem, place, source, { namespace });
}

function* shown(
  stream: Generator<{ namespace: string; key: string; version: number; record: object }>,
) {
  for (const { namespace, key, version, record } of stream) {
    yield `${namespace}/${key}@${version}=${valueOfRecord(record)}`;
  }
}

const elsewhere = (key: string, value: string) => ({
  ...put(key, value),
  namespace: 'a-first',
});

test('a stream of a shard gives the live entries, the journal over the snapshot, in order', async () => {
  await submitEach(store, [put('a', '1'), put('b', '2'), put('d', '3'), put('e', '4')]);
  compactShard(files, store);
  await submitEach(store, [put('c', '5'), put('b', '6'), remove('d'), elsewhere('z', '7')]);
  const stream = streamOf(files);
  expect([...shown(stream.entries())]).toEqual([
    'a-first/z@8=7',
    'default/a@1=1',
    'default/b@6=6',
    'default/c@5=5',
    'default/e@4=4',
  ]);
  expect({ seq: stream.seq, isStamped: stream.at > 0 }).toEqual({ seq: 9, isStamped: true });
});

test('a stream of a shard that never held anything is empty, and seq begins at 1', () => {
  const stream = streamOf(files);
  expect([...stream.entries()]).toEqual([]);
  expect(stream.seq).toBe(1);
});

test('a stream leaves out the torn tail of a crash, as a start does', async () => {
  await submitEach(store, [put('a', '1'), put('b', '2')]);
  const path = `${folder}/journal-000001.ndjson`;
  const line = files.read(path).toString().indexOf('"key":"b"');
  files.put(path, files.read(path).subarray(0, line));
  expect([...shown(streamOf(files).entries())]).toEqual(['default/a@1=1']);
});

test('a stream that is not read to its end leaves no file open', async () => {
  await submitEach(store, [put('a', '1'), put('b', '2')]);
  compactShard(files, store);
  const { openFiles } = files;
  for (const _ of streamOf(files).entries()) break;
  expect(files.openFiles).toBe(openFiles);
});

test('merged streams are one in order, and are all ended when the reader stops', async () => {
  const other = new MemoryFileSystem();
  await submitEach(store, [put('a', '1'), put('c', '2'), elsewhere('x', '3')]);
  const second = openShard(other);
  await submitEach(second, [put('b', '1'), put('d', '2'), elsewhere('y', '3')]);
  compactShard(files, store);
  compactShard(other, second);
  const streams = () => [streamOf(files).entries(), streamOf(other).entries()];
  const keys = [...mergeEntryStreams(streams())].map(({ key }) => key);
  expect(keys).toEqual(['x', 'y', 'a', 'b', 'c', 'd']);
  const open = [files.openFiles, other.openFiles];
  for (const _ of mergeEntryStreams(streams())) break;
  expect([files.openFiles, other.openFiles]).toEqual(open);
});

test('a flush removes the earlier entries of snapshot and journal, and no later one', async () => {
  await submitEach(store, [put('a', '1'), put('b', '2'), elsewhere('z', '3')]);
  compactShard(files, store);
  await submitEach(store, [put('c', '4')]);
  await store.transact([], () => ({ output: undefined, changes: [], flush: ['default'] }));
  await submitEach(store, [put('b', '5')]);
  const expected = ['a-first/z@3=3', 'default/b@6=5'];
  expect([...shown(streamOf(files).entries())]).toEqual(expected);
  const again = openShard(files);
  expect(await again.count('default')).toBe(1);
  compactShard(files, again);
  expect([...shown(streamOf(files).entries())]).toEqual(expected);
});

/** Entries of three namespaces in the snapshot, and changes of all of them in the journals. */
async function writeThree(): Promise<void> {
  await submitEach(store, [put('a', '1'), put('b', '2'), elsewhere('x', '3'), elsewhere('y', '4')]);
  await submitEach(store, [{ ...put('k', 'v'), namespace: 'last' }]);
  compactShard(files, store);
  await submitEach(store, [put('c', '5'), remove('a'), elsewhere('y', '6'), elsewhere('z', '7')]);
}

test('a stream of one namespace gives its entries alone, and seq and time of the shard', async () => {
  await writeThree();
  const whole = streamOf(files);
  const all = [...shown(whole.entries())];
  expect(all).toHaveLength(6);
  for (const namespace of ['a-first', 'default', 'last', 'missing']) {
    const stream = streamOf(files, namespace);
    const own = all.filter((text) => text.startsWith(`${namespace}/`));
    expect([...shown(stream.entries())]).toEqual(own);
    expect([stream.seq, stream.at]).toEqual([whole.seq, whole.at]);
  }
  expect(files.openFiles).toBe(1);
});

test('a stream of one namespace follows flushes of it, and none of another', async () => {
  await writeThree();
  const flush = (namespace: string) =>
    store.transact([], () => ({ output: undefined, changes: [], flush: [namespace] }));
  await flush('a-first');
  await submitEach(store, [elsewhere('w', '9')]);
  expect([...shown(streamOf(files, 'a-first').entries())]).toEqual([
    expect.stringMatching(/^a-first\/w@\d+=9$/),
  ]);
  expect([...shown(streamOf(files, 'last').entries())]).toEqual(['last/k@5=v']);
  await flush('last');
  expect([...streamOf(files, 'last').entries()]).toEqual([]);
});

test('a stream names the namespaces that have entries', async () => {
  expect(streamOf(files).namespaces()).toEqual(new Set());
  await writeThree();
  expect(streamOf(files).namespaces()).toEqual(new Set(['a-first', 'default', 'last']));
  await store.transact([], () => ({ output: undefined, changes: [], flush: ['last', 'a-first'] }));
  await submitEach(store, [elsewhere('w', '9'), { ...put('k', 'v'), namespace: 'new' }]);
  expect(streamOf(files).namespaces()).toEqual(new Set(['a-first', 'default', 'new']));
});
