// Owns the fixed bounds of the engine that shape its service, each with its unit and its reason. A
// bound that is a detail of one file is in that file. Bounds that an operator may set are in
// config/default.json.

/** One batch: large enough that many writers share a sync, small enough to answer soon. */
export const batchOperationsMax = 1024;
export const batchBytesMax = 1024 * 1024;

/** Bytes that a shard answers to one batch: the rest of the batch waits for the next one. */
export const replyBytesMax = 16 * 1024 * 1024;

/**
 * Bytes that one batch writes before its rest waits: commands such as APPEND write more than they
 * are sent.
 */
export const writtenBytesMax = 4 * 1024 * 1024;

/** Bytes of one command's answer: all its keys are in one shard, and may be one key many times. */
export const commandReplyBytesMax = 64 * 1024 * 1024;

/** Keys and values of one listing page, summed. A page has at least one item, however large. */
export const pageBytesMax = 1024 * 1024;
/** Entries that one shard looks at for one page: expired entries cost time but give no items. */
export const pageScanMax = 10_000;

/**
 * Waiting operations and their bytes, for each shard: past these, refusing early beats answering
 * late.
 */
export const queueOperationsMax = 65_536;
export const queueBytesMax = 128 * 1024 * 1024;

/** Versions that one condition may list. */
export const conditionVersionsMax = 1000;

/** Operations that may wait for one key's lock. */
export const lockWaitersMax = 1024;
/** Operations that may wait while a transaction holds all keys, of the store or of a namespace. */
export const allLocksWaitersMax = 65_536;

/** Expired entries that one sweep step removes. */
export const sweepStepMax = 500;

/** V8's Map holds at most 2^24 entries: the bound stays below that. */
export const shardEntriesMax = 2 ** 24 - 1024;

/** With more live journals than this, a shard is compacted at any size: restarts add journals. */
export const liveJournalsMax = 8;

export const shardCountMax = 64;

/** Seq starts so much higher if readers may have seen an end of the journal that was lost. */
export const seqJumpUnsynced = 2 ** 30;

/** Disk space that a shard keeps for deletes on a full disk: at least some 1,500 of them. */
export const reserveBytesMin = 256 * 1024;
export const reserveBytesMax = 64 * 1024 * 1024;

/**
 * An operation that has waited this long in a shard's queue is refused instead of answered late.
 */
export const queueWaitMaxMs = 4000;

/**
 * Once the oldest operation has waited this long, new ones are refused: they would hardly be in
 * time.
 */
export const queueWaitForMoreMs = 2000;

/**
 * A thread that answers nothing for this long counts as hung and is ended. A task that reads or
 * writes much may take longer, at this speed of a slow disk.
 */
export const taskMaxMs = 8000;
export const slowDiskBytesPerMs = 5000;

/** A shard whose files or thread failed waits this long before another try. */
export const shardRetryMs = 1000;

/**
 * Seq starts so much higher if records are known to be lost: the number of versions given is unknown.
 */
export const seqJumpRepaired = 2 ** 40;
