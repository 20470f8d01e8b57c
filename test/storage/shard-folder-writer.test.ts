import { beforeEach, describe, expect, test } from 'vitest';
import { recoverShard } from '../../src/shard/recovery/recovery.ts';
import { encodeEntry } from '../../src/storage/record.ts';
import { ShardFolderWriter } from '../../src/storage/shard-folder-writer.ts';
import { shardPlace } from '../support/stores/bare-shard-store.ts';
import { bitFlips } from '../support/disk/file-damage.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';
import {
  compactShard,
  contentsOf,
  folder,
  openShard,
  startOn,
} from '../support/disk/shard-files.ts';
import { put } from '../support/stores/operations.ts';

const journal = `${folder}/journal-000002.ndjson`;
const snapshot = `${folder}/snapshot-000001.json`;
const current = `${folder}/current.json`;

function writeShard(files: MemoryFileSystem, seq = 500): void {
  const writer = new ShardFolderWriter(files, folder, shardPlace.identity);
  writer.add('default', encodeEntry({ key: 'a', value: '1' }, 7));
  writer.add('default', encodeEntry({ key: 'b', valueBase64: '/wA=' }, 499));
  writer.add('default', encodeEntry({ key: 'é', value: 'x', expiresAt: 9e15 }, 8));
  writer.finish({ seq, at: 1000 });
  writer.close();
}

const contents = ['a 7 - MQ==', 'b 499 - /wA=', 'é 8 9000000000000000 eA=='].map((line) =>
  line.replace('é', Buffer.from('é').toString('latin1')),
);

let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
  writeShard(files);
});

describe('a shard that is made with entries', () => {
  test('has them with their versions and deadlines, and closes its files', async () => {
    expect(files.openFiles).toBe(0);
    expect(await contentsOf(openShard(files))).toEqual(contents);
    expect(recoverShard({ ...shardPlace, fileSystem: files }).at).toBe(1000);
  });

  test.each(['always', 'interval', 'never'] as const)(
    'goes on from its seq in %s, and with it over restarts and compactions',
    async (fsync) => {
      let store = openShard(files, fsync);
      expect(await store.submit(put('c', '2'))).toMatchObject({ version: 500 });
      compactShard(files, store);
      await store.close();
      store = openShard(files, fsync);
      expect(await store.submit(put('c', '3'))).toMatchObject({ version: 501 });
      compactShard(files, store);
      await store.close();
      expect(await contentsOf(openShard(files, fsync))).toHaveLength(4);
    },
  );

  test('is compacted as it is, keeping its seq', async () => {
    const store = openShard(files);
    expect(await store.submit(put('d', '4'))).toMatchObject({ version: 500 });
    const written = await contentsOf(store);
    compactShard(files, store);
    expect(files.list(folder)).toContain('snapshot-000002.json');
    const again = openShard(files);
    expect(await contentsOf(again)).toEqual(written);
    expect(await again.submit(put('d', '4'))).toMatchObject({ version: 501 });
  });

  test('is there whole after a power cut', async () => {
    for (let seed = 0; seed < 50; seed++) {
      expect(await startOn(files.afterPowerCut(seededRandom(seed)))).toEqual({ contents });
    }
  });

  test.each([journal, snapshot, current])('is refused with %s cut anywhere', async (path) => {
    const whole = files.read(path);
    for (let length = 0; length < whole.length; length++) {
      files.put(path, whole.subarray(0, length));
      expect([length, await startOn(files)]).toMatchObject([
        length,
        { refused: expect.stringContaining('STORE_') },
      ]);
    }
  });

  test.each([journal, snapshot, current])('is refused with any bit of %s flipped', async (path) => {
    const whole = files.read(path);
    for (const [what, flipped] of bitFlips(whole)) {
      files.put(path, flipped);
      expect([what, await startOn(files)]).toMatchObject([
        what,
        { refused: expect.stringContaining('STORE_') },
      ]);
    }
  });
});
