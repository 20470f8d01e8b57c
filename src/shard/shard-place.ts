// Where a shard's files are, and what a crash has left at the end of one. Shared by recovery, which
// reads files, and by files/, which changes them.
import type { ShardIdentity } from '../base/shard-identity.ts';
import type { FileSystem } from '../storage/file-system.ts';

export interface ShardPlace {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  /** The folder's name relative to the data folder, for errors. */
  readonly name: string;
  readonly identity: ShardIdentity;
}

/** The torn end of a journal, which a start cuts off. */
export interface TornTail {
  readonly generation: number;
  /** The journal is valid up to here. */
  readonly bytes: number;
  readonly reason: string;
  /** How many bytes are behind the valid part. */
  readonly cutBytes: number;
}
