// Owns the data folder as a whole: reads its manifest, or makes a new store. Must not know what
// shards hold.
import { randomUUID } from 'node:crypto';
import { StoreError } from '../base/errors.ts';
import { shardCountMax } from '../base/limits.ts';
import type { ShardLocation } from '../base/shard-location.ts';
import { createShardFolder } from '../storage/create-shard-folder.ts';
import { layoutFolderName } from '../storage/file-names.ts';
import { formatVersion } from '../storage/format-version.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { refuseForeignFolder } from '../storage/foreign-entries.ts';
import { locateShards } from '../storage/locate-shards.ts';
import {
  draftManifest,
  nameManifest,
  readManifest,
  removeUnfinishedStore,
  type Manifest,
} from '../storage/manifest.ts';

export interface ShardCounts {
  /** The number that the settings ask for; undefined if they leave it open. */
  readonly asked: number | undefined;
  /** The number for a new folder, if the settings leave it open. */
  readonly byDefault: number;
}

/**
 * @param now Unix milliseconds
 * @returns one location for each shard, in order of their numbers
 * @throws StoreError STORE_MISMATCH if the folder has another number of shards than asked for,
 *   another format version, or no store but other files; STORE_DAMAGED
 */
export function openDataFolder(
  fileSystem: FileSystem,
  dataDir: string,
  counts: ShardCounts,
  now: number,
): ShardLocation[] {
  const manifest = readManifest(fileSystem, dataDir);
  if (manifest === undefined) {
    return createStore(fileSystem, dataDir, counts.asked ?? counts.byDefault, now);
  }
  if (counts.asked !== undefined && counts.asked !== manifest.shards) {
    throw new StoreError(
      'STORE_MISMATCH',
      `the data folder has ${manifest.shards} shards, the setting shards asks for ${counts.asked}: ` +
        'leave the setting out to use the folder as it is, or run ' +
        `holdfast reshard ${dataDir} --shards ${counts.asked}. Nothing has been changed.`,
    );
  }
  if (manifest.formatVersion !== formatVersion) {
    throw new StoreError(
      'STORE_MISMATCH',
      `the data folder is of format version ${manifest.formatVersion}; rewrite it in version ` +
        `${formatVersion} before it is served (\`holdfast serve\` does). Nothing has been changed.`,
    );
  }
  // A start that was killed may have named the manifest without a sync. Shards write below that
  // name, so a crash must not lose it.
  fileSystem.syncFolder(dataDir);
  return locateShards(dataDir, manifest);
}

/** A crash on the way leaves a draft, which the next start removes; the draft holds no data yet. */
function createStore(
  fileSystem: FileSystem,
  dataDir: string,
  shards: number,
  now: number,
): ShardLocation[] {
  if (shards > shardCountMax) {
    const detail = `a data folder has at most ${shardCountMax} shards, not ${shards}`;
    throw new StoreError('STORE_MISMATCH', detail);
  }
  refuseForeignFolder(fileSystem, dataDir);
  removeUnfinishedStore(fileSystem, dataDir);
  const layout = layoutFolderName(1);
  const manifest: Manifest = { store: randomUUID(), shards, layout, createdAt: now };
  draftManifest(fileSystem, dataDir, manifest, 'new');
  fileSystem.makeFolder(`${dataDir}/${layout}`);
  const locations = locateShards(dataDir, manifest);
  for (const { folder, identity } of locations) createShardFolder(fileSystem, folder, identity);
  fileSystem.syncFolder(`${dataDir}/${layout}`);
  fileSystem.syncFolder(dataDir);
  nameManifest(fileSystem, dataDir, 'new');
  return locations;
}
