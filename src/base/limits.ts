// Every fixed bound of the engine, with its unit and the reason for its size. Those that a user
// may set are in config/default.json instead.

/** One batch: large enough to share a sync among many writers, small enough to answer soon. */
export const batchOperationsMax = 1024;
export const batchBytesMax = 1024 * 1024;

/** What one shard answers to one batch before the rest of the batch must wait for the next. */
export const replyBytesMax = 16 * 1024 * 1024;

/** The same for what it writes: commands such as APPEND write more than they are sent. */
export const writtenBytesMax = 4 * 1024 * 1024;

/** What one command may answer: all of its keys are in one shard, and may be many times the same. */
export const commandReplyBytesMax = 64 * 1024 * 1024;

/** Keys and values of one listing page, summed; a page has at least one item all the same. */
export const pageBytesMax = 1024 * 1024;
/** Entries one shard looks at for one page: expired ones cost time but give no items. */
export const pageScanMax = 10_000;

/** Waiting operations and their bytes, a shard: past it, refuse early rather than answer late. */
export const queueOperationsMax = 65_536;
export const queueBytesMax = 128 * 1024 * 1024;

/** Versions that one condition may list. */
export const conditionVersionsMax = 1000;

/** Operations waiting for one key's lock. */
export const lockWaitersMax = 1024;
/** Operations waiting for one that keeps everybody from all keys. */
export const allLocksWaitersMax = 65_536;

/** Expired entries removed by one sweep step. */
export const sweepStepMax = 500;

/** V8's Map holds at most 2^24 entries; stop short of it. */
export const shardEntriesMax = 2 ** 24 - 1024;

/** Live journals of a shard before they are compacted whatever their size (restarts add some). */
export const liveJournalsMax = 8;

export const shardCountMax = 64;

/** How much higher seq starts when the end of a journal may have been seen and lost. */
export const seqJumpUnsynced = 2 ** 30;

/** Room on disk that a shard keeps for deletes when the disk is full: some 1,500 of them at least. */
export const reserveBytesMin = 256 * 1024;
export const reserveBytesMax = 64 * 1024 * 1024;

/** How long an operation may wait in a shard's queue before it is refused instead of answered late. */
export const queueWaitMaxMs = 4000;

/** Behind one that has waited for so long, none is queued any more: it would hardly be in time. */
export const queueWaitForMoreMs = 2000;

/**
 * How long a thread may answer nothing before it counts as hung and is ended; what reads or writes
 * much may take that much longer, as on a slow disk.
 */
export const taskMaxMs = 8000;
export const slowDiskBytesPerMs = 5000;

/** How long a shard whose files or thread failed waits before it tries again. */
export const shardRetryMs = 1000;

/** The same where records are known to be lost: nobody can say how many versions were given. */
export const seqJumpRepaired = 2 ** 40;
