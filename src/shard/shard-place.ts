// Where a shard's files are, and by which file system. Shared by recovery, which reads files, and by
// files/, which changes them.
import type { ShardLocation } from '../protocol/shard-task.ts';
import type { FileSystem } from '../storage/file-system.ts';

export interface ShardPlace extends ShardLocation {
  readonly fileSystem: FileSystem;
}
