// How large the heaps of the threads may be. Knows what each kind of thread holds; nothing of how
// the memory is found out, or of how a limit is set.

/** In MiB. V8 may fill them; what a thread keeps is bounded below that (src/shard/memory-limits.ts). */
export interface HeapPlan {
  readonly shardMiB: number;
  readonly compactorMiB: number;
  readonly backupMiB: number;
}

export interface HeapNeeds {
  /** The setting; undefined: by the memory that there is. */
  readonly shardHeapMiB: number | undefined;
  readonly shards: number;
  /** What the process may use, in bytes. */
  readonly memoryBytes: number;
  readonly compactJournalBytes: number;
}

const mebibyte = 2 ** 20;
/** Of the memory, what all shards together may take: the rest is for requests, cache and system. */
const shardsShare = 0.6;
const shardMiBMin = 64;
/** Of its heap, what a thread may take beside it for new objects: 96 MiB at most. */
const youngShare = 0.375;
const youngMiBMax = 96;
/** What the newest change of a key takes in memory for its bytes in a journal, at most. */
const changeFactor = 6;

function defaultShardMiB(shards: number, memoryBytes: number): number {
  const each = (memoryBytes * shardsShare) / mebibyte / shards;
  const heap = Math.max(each / (1 + youngShare), each - youngMiBMax);
  return Math.max(shardMiBMin, Math.floor(heap));
}

export function planHeaps(needs: HeapNeeds): HeapPlan {
  const { shards, memoryBytes, compactJournalBytes } = needs;
  const shardMiB = needs.shardHeapMiB ?? defaultShardMiB(shards, memoryBytes);
  // The newest change of each key in a shard's journals. They grow to the setting, or to half of the
  // snapshot, which is bounded by the shard's own memory, and further while others are compacted.
  const changesMiB = Math.ceil((compactJournalBytes * changeFactor) / mebibyte) + shardMiB;
  return { shardMiB, compactorMiB: changesMiB + shardMiB, backupMiB: changesMiB * shards };
}
