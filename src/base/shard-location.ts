// Owns how layers name the files of a shard: their folder and their owner. Knows no file.

/** The owner of a file: a file with any other identity is foreign. */
export interface ShardIdentity {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shard: number;
}

/** The folder of the files of a shard, and their owner. */
export interface ShardLocation {
  readonly folder: string;
  /** The folder's name relative to the data folder, for errors. */
  readonly name: string;
  readonly identity: ShardIdentity;
}
