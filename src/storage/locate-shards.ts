// Computes the folders of a store's shards from its manifest. Reads no file.
import type { ShardLocation } from '../base/shard-location.ts';
import { shardFolderName } from './file-names.ts';
import type { Manifest } from './manifest.ts';

/** The facts that a manifest has about its layout. */
export type Layout = Pick<Manifest, 'store' | 'shards' | 'layout'>;

/** @returns one location for each shard, in order of their numbers */
export function locateShards(dataDir: string, { store, shards, layout }: Layout): ShardLocation[] {
  return Array.from({ length: shards }, (_, shard) => {
    const name = `${layout}/${shardFolderName(shard)}`;
    return { name, folder: `${dataDir}/${name}`, identity: { store, shard } };
  });
}
