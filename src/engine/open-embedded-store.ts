// Puts the embedded engine together: folder lock, manifest, a thread a shard, router. All shards
// are checked before anything changes.
import { availableParallelism, totalmem } from 'node:os';
import type { Logger } from 'pino';
import { StampClock, type Clock } from '../base/clock.ts';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { ShardLocation } from '../protocol/shard-task.ts';
import { CompactionScheduler } from '../router/compaction-scheduler.ts';
import { Housekeeper, housekeepingMs } from '../router/housekeeper.ts';
import { ReadCache } from '../router/read-cache.ts';
import { Router } from '../router/router.ts';
import { ShardClient } from '../router/shard-client.ts';
import { WorkerPool } from '../router/worker-pool.ts';
import { acquireFolderLock, type FolderLock } from '../storage/folder-lock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import type { Store } from '../store/store.ts';
import { openDataFolder } from './data-folder.ts';

export interface EmbeddedStoreOptions {
  readonly dataDir: string;
  /** Undefined: what the folder has, or by the machine's cores for a new one. */
  readonly shards: number | undefined;
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  /** 0 turns the read cache off. */
  readonly cacheBytes: number;
  readonly compactJournalBytes: number;
  /** V8 heap limit of one shard's thread; undefined: a share of the machine's memory. */
  readonly shardHeapMiB: number | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Of the machine's memory, what all shards together may take for their heaps. */
const heapShare = 0.6;

function defaultShards(): number {
  return Math.min(Math.max(availableParallelism(), 2), 16);
}

/**
 * Opens the store in a data folder, or makes one.
 *
 * @throws StoreError STORE_IN_USE, STORE_DAMAGED or STORE_MISMATCH, with nothing changed;
 *   STORE_INACCESSIBLE or DISK_FULL, where some shards may have been brought into order already
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const { dataDir } = options;
  const lock = orInaccessible(dataDir, () => {
    nodeFileSystem.makeFolder(dataDir);
    return acquireFolderLock(dataDir);
  });
  try {
    const locations = orInaccessible(dataDir, () => {
      const counts = { asked: options.shards, byDefault: defaultShards() };
      return openDataFolder(nodeFileSystem, dataDir, counts, options.clock.wallMs());
    });
    return await openShards(locations, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function orInaccessible<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreError || systemErrorCode(error) === undefined) throw error;
    const detail = `the data folder ${dataDir} can not be used: ${String(error)}`;
    throw new StoreError('STORE_INACCESSIBLE', detail, {}, error);
  }
}

async function openShards(
  locations: readonly ShardLocation[],
  lock: FolderLock,
  options: EmbeddedStoreOptions,
): Promise<Store> {
  const { logger, clock, fsync } = options;
  const stamps = new StampClock(clock);
  const cache = new ReadCache(options.cacheBytes);
  const heapMiB =
    options.shardHeapMiB ??
    Math.max(256, Math.floor((totalmem() * heapShare) / 2 ** 20 / locations.length));
  const shards = locations.map((location) => ({
    location,
    client: new ShardClient({
      location,
      fsync,
      newThread: (onIdleDeath) => new WorkerPool({ entry: 'shard', heapMiB, onIdleDeath }),
      defer: setImmediate,
      stamp: () => stamps.stamp(),
      monotonicMs: () => clock.monotonicMs(),
      onEpoch: (shard, why) => {
        cache.clear();
        logger.error({ shard, why }, 'a shard is opened anew');
      },
      onFailed: (shard, why) => logger.error({ shard, why }, 'a shard does not serve any more'),
    }),
  }));
  const clients = shards.map(({ client }) => client);
  try {
    await startAll(clients, stamps, logger);
  } catch (error) {
    await Promise.all(clients.map((client) => client.abandon()));
    throw error;
  }
  const compactions = new CompactionScheduler(shards, {
    compactJournalBytes: options.compactJournalBytes,
    monotonicMs: () => clock.monotonicMs(),
    newThread: () => new WorkerPool({ entry: 'compactor', heapMiB }),
    onFailure: (shard, error) =>
      logger.error({ shard, why: String(error) }, 'a compaction failed; it is tried again later'),
  });
  const housekeeper = new Housekeeper(clients, compactions, {
    fsync,
    fsyncIntervalMs: options.fsyncIntervalMs,
    stamp: () => stamps.stamp(),
    monotonicMs: () => clock.monotonicMs(),
  });
  const timer = setInterval(() => housekeeper.tick(), housekeepingMs);
  const onClosed = (): void => lock.release();
  const onClosing = (): void => clearInterval(timer);
  return new Router(clients, { fsync, clock: stamps, cache, compactions, onClosing, onClosed });
}

/** Nothing changes before all shards are found to be good. */
async function startAll(
  clients: readonly ShardClient[],
  stamps: StampClock,
  logger: Logger,
): Promise<void> {
  const opened = await allOrFirstError(clients.map((client) => client.open()));
  for (const [shard, { at, entries, torn }] of opened.entries()) {
    stamps.raiseFloor(at);
    for (const { generation, bytes, reason } of torn) {
      logger.warn({ shard, generation, offset: bytes, reason }, 'the end of a journal is cut off');
    }
    logger.debug({ shard, entries }, 'a shard is recovered');
  }
  await allOrFirstError(clients.map((client) => client.start()));
}

/** Waits for all, so that no thread is still at work when the caller goes on. */
async function allOrFirstError<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
