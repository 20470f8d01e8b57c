/** The owner of a file: a file with any other identity is foreign. */
export interface ShardIdentity {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shard: number;
}
