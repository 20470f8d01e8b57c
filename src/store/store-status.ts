// The state and the figures of a store, for health checks and metrics. Knows no metric by its name.
import type { Histogram } from '../base/histogram.ts';

/** A `suspended` shard serves again by itself once its disk works. A `failed` shard does not. */
export type ShardState = 'opening' | 'serving' | 'suspended' | 'failed' | 'closed';

/** The amount of data in a shard, and its cost in memory. */
export interface ShardFigures {
  readonly entries: number;
  /** Keys and values, summed. */
  readonly bytes: number;
  /**
   * Bytes that the shard keeps in memory, at most, and their limit. The shard refuses puts beyond
   * the limit.
   */
  readonly heapBytes: number;
  readonly heapBytesMax: number;
  /** All live journals, summed. */
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  /** The last put found no room on disk. */
  readonly isDiskFull: boolean;
}

/** The amount of data in a namespace. Expired entries count until the sweep removes them. */
export interface NamespaceFigures {
  readonly namespace: string;
  readonly keys: number;
  /** Keys and values, summed. */
  readonly bytes: number;
}

/** The part of a namespace's quota that is taken. */
export interface NamespaceUsage {
  readonly keys: number;
  /** Keys and values, summed. */
  readonly bytes: number;
  /** Writes that the quota has refused, since it was set. */
  readonly refused: number;
}

export interface ShardStatus extends ShardFigures {
  readonly shard: number;
  readonly state: ShardState;
  /** Why the shard does not serve; undefined while it does. */
  readonly reason: string | undefined;
  readonly queueOperations: number;
  readonly queueBytes: number;
  /** Number of operations in each batch, since the start. */
  readonly batchOperations: Histogram;
  /** Seconds that each batch's sync took, since the start; batches without a sync do not count. */
  readonly syncSeconds: Histogram;
  /** How often the shard was opened; above 1 if its thread died. */
  readonly epoch: number;
  /** Torn tails of journals that were cut off, since the start. */
  readonly tornTails: number;
}

export interface TransactionFigures {
  /** Transactions that have changed something. */
  readonly committed: number;
  /** Committed transactions over several shards. */
  readonly overShards: number;
  /** Transactions that were refused, with nothing changed. */
  readonly refused: number;
  /** Transactions whose outcome is unknown. */
  readonly unknown: number;
}

/**
 * Everything that health and metrics report; the figures are those that the shards last reported.
 */
export interface StoreStatus {
  readonly shards: readonly ShardStatus[];
  /** Reads of single entries since the start: directly in memory, and through the queue of a shard. */
  readonly reads: { readonly direct: number; readonly queued: number };
  /** Requests of callers that wait for their turn to get places in the shards' queues. */
  readonly turnWaiters: number;
  /** Since the start. */
  readonly transactions: TransactionFigures;
  readonly compactions: {
    readonly running: number;
    readonly completed: number;
    readonly failed: number;
  };
}
