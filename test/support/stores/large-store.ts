// Makes a large store on a real disk fast. Writes snapshots straight from a sorted stream, and a
// journal after one of them.
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { locateShards } from '../../../src/storage/locate-shards.ts';
import { replaceManifest, type Manifest } from '../../../src/storage/manifest.ts';
import { encodeEntry } from '../../../src/storage/record.ts';
import { ShardFolderWriter } from '../../../src/storage/shard-folder-writer.ts';
import { shardOfKey } from '../../../src/store/slot.ts';

const manifest: Manifest = {
  store: '11111111-1111-4111-8111-111111111111',
  shards: 2,
  layout: 'layout-000001',
  createdAt: 1_764_000_000_000,
};

/** The key of the entry with this number. Keys are in order of the numbers. */
export function largeKey(number: number): string {
  return `key-${String(number).padStart(8, '0')}`;
}

export function makeLargeStore(dataDir: string, entries: number): void {
  const writers = locateShards(dataDir, manifest).map(({ folder, identity }) => {
    return new ShardFolderWriter(nodeFileSystem, folder, identity);
  });
  try {
    for (let number = 0; number < entries; number++) {
      const key = largeKey(number);
      const shard = shardOfKey(key, manifest.shards);
      const entry = encodeEntry({ key, value: `value of ${key}` }, number + 1);
      writers[shard]?.add('default', entry);
    }
    for (const writer of writers) writer.finish({ seq: entries + 1, at: manifest.createdAt });
  } finally {
    for (const writer of writers) writer.close();
  }
  replaceManifest(nodeFileSystem, dataDir, manifest);
}
