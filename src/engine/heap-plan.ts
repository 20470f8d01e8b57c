// Decides how large the heaps of the threads may be. Knows what each kind of thread holds. Must not
// know how the memory is measured, or how a limit is set.

/**
 * In MiB. V8 may fill these heaps; src/shard/table/memory-limits.ts bounds what a thread keeps below
 * that.
 */
export interface HeapPlan {
  readonly shardMiB: number;
  readonly compactorMiB: number;
  readonly backupMiB: number;
}

export interface HeapNeeds {
  /** The setting; undefined if the available memory decides. */
  readonly shardHeapMiB: number | undefined;
  readonly shards: number;
  /** Bytes that the process may use. */
  readonly memoryBytes: number;
  readonly compactJournalBytes: number;
}

const mebibyte = 2 ** 20;
/** The program without data: the code, the main thread, and threads that hold little. */
const programMiB = 224;
/** Share of the rest for all shards together. More is for requests and compactions. */
const shardsShare = 0.6;
const shardMiBMin = 32;
/** Share of its heap that a thread may take on top for new objects: 96 MiB at most. */
const youngShare = 0.375;
const youngMiBMax = 96;
/** Memory for the newest change of a key, at most, as a multiple of its bytes in a journal. */
const changeFactor = 6;

function defaultShardMiB(shards: number, memoryBytes: number): number {
  const each = ((memoryBytes / mebibyte - programMiB) * shardsShare) / shards;
  const heap = Math.max(each / (1 + youngShare), each - youngMiBMax);
  return Math.max(shardMiBMin, Math.floor(heap));
}

export function planHeaps(needs: HeapNeeds): HeapPlan {
  const { shards, memoryBytes, compactJournalBytes } = needs;
  const shardMiB = needs.shardHeapMiB ?? defaultShardMiB(shards, memoryBytes);
  // The newest change of each key in a shard's journals. Journals grow to the setting, or to the
  // size of the snapshot, and further while others are compacted. The shard's own memory bounds the
  // snapshot.
  const changesMiB = Math.ceil((compactJournalBytes * changeFactor) / mebibyte) + shardMiB;
  return { shardMiB, compactorMiB: changesMiB + shardMiB, backupMiB: changesMiB * shards };
}
