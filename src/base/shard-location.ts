// Owns how layers name a shard's files: where they are, and whose they are. Knows no file.

/** The owner of a file: a file with any other identity is foreign. */
export interface ShardIdentity {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shard: number;
}

/** Where a shard's files are, and whose they are. */
export interface ShardLocation {
  readonly folder: string;
  /** The folder's name relative to the data folder, for errors. */
  readonly name: string;
  readonly identity: ShardIdentity;
}
