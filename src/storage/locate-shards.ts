// Computes the folders of a store's shards from its manifest.
import type { ShardIdentity } from '../base/shard-identity.ts';
import { shardFolderName } from './file-names.ts';
import type { Manifest } from './manifest.ts';

export interface ShardFolder {
  readonly folder: string;
  /** The folder's name relative to the data folder, for errors. */
  readonly name: string;
  readonly identity: ShardIdentity;
}

/** By number. */
export function locateShards(
  dataDir: string,
  { store, shards, layout }: Pick<Manifest, 'store' | 'shards' | 'layout'>,
): ShardFolder[] {
  return Array.from({ length: shards }, (_, shard) => {
    const name = `${layout}/${shardFolderName(shard)}`;
    return { name, folder: `${dataDir}/${name}`, identity: { store, shard } };
  });
}
