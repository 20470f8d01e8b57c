// Opens the embedded engine on a real data folder: its lock, its manifest, real threads and timers.
// Must not know how the parts are joined: assemble-store.ts does.
import { randomUUID } from 'node:crypto';
import { defaultShardCount } from '../base/default-shard-count.ts';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type { ShardLocation } from '../base/shard-location.ts';
import { ShardWorker } from '../router/threads/shard-worker.ts';
import { WorkerPool } from '../router/threads/worker-pool.ts';
import { acquireFolderLock, type FolderLock } from '../storage/folder-lock.ts';
import { refuseForeignFolder } from '../storage/foreign-entries.ts';
import { unfinishedMaking } from '../storage/manifest.ts';
import { isFolder, nodeFileSystem } from '../storage/node-file-system.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import type { CommandStore } from '../store/store.ts';
import { assembleStore, type AssemblyOptions } from './assemble-store.ts';
import { availableMemory } from './available-memory.ts';
import { openDataFolder } from './data-folder.ts';
import { planHeaps } from './heap-plan.ts';

export interface EmbeddedStoreOptions extends Pick<
  AssemblyOptions,
  'fsync' | 'fsyncIntervalMs' | 'directReads' | 'compactJournalBytes' | 'logger' | 'clock'
> {
  readonly dataDir: string;
  /** Undefined: the folder's number, or for a new folder one by the machine's cores. */
  readonly shards: number | undefined;
  /** V8 heap limit of one shard's thread; undefined if the available memory decides. */
  readonly shardHeapMiB: number | undefined;
  /** Starts a shard's thread in another way than serving does, for tests that stage its death. */
  readonly newShardThread?: AssemblyOptions['newShardThread'];
}

/**
 * Opens the store in a data folder, or makes a new one.
 *
 * @throws StoreError STORE_IN_USE, STORE_DAMAGED or STORE_MISMATCH, with nothing changed;
 *   STORE_INACCESSIBLE or DISK_FULL, when some shards may have been brought into order already
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<CommandStore> {
  const { dataDir } = options;
  const lock = orInaccessible(dataDir, () => {
    refuseFile(dataDir);
    // Before the lock, which makes a file.
    refuseForeignFolder(nodeFileSystem, dataDir);
    nodeFileSystem.makeFolder(dataDir);
    return acquireFolderLock(dataDir);
  });
  try {
    const locations = orInaccessible(dataDir, () => {
      if (unfinishedMaking(nodeFileSystem, dataDir) === 'new') {
        options.logger.warn(
          'an earlier start ended before it had created the store; the store is created now',
        );
      }
      const counts = { asked: options.shards, byDefault: defaultShardCount(availableMemory()) };
      return openDataFolder(nodeFileSystem, dataDir, counts, options.clock.wallMs());
    });
    const store = await openShards(locations, lock, options);
    tidy(options);
    lock.writeProcessId();
    return store;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Removes files that an interrupted reshard left, because they take room. All live files are
 * verified by now.
 */
function tidy({ dataDir, logger }: EmbeddedStoreOptions): void {
  try {
    for (const layout of removeStrayLayouts(nodeFileSystem, dataDir)) {
      logger.warn({ layout }, 'a layout that the manifest does not name is removed');
    }
  } catch (error) {
    logger.error({ why: String(error) }, 'files that a reshard has left cannot be removed');
  }
}

/** Otherwise the error would be about the lock file, as if the operator had named that. */
function refuseFile(dataDir: string): void {
  if (isFolder(dataDir) !== false) return;
  const detail = `the data folder ${dataDir} cannot be used: it is not a folder`;
  throw new StoreError('STORE_INACCESSIBLE', detail);
}

function orInaccessible<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreError || systemErrorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const detail = `the data folder ${dataDir} cannot be used: ${why}`;
    throw new StoreError('STORE_INACCESSIBLE', detail, {}, error);
  }
}

async function openShards(
  locations: readonly ShardLocation[],
  lock: FolderLock,
  options: EmbeddedStoreOptions,
): Promise<CommandStore> {
  const heaps = planHeaps({
    ...options,
    shards: locations.length,
    memoryBytes: availableMemory(),
  });
  return await assembleStore({
    newShardThread: (_, onIdleDeath) => new ShardWorker({ heapMiB: heaps.shardMiB }, onIdleDeath),
    ...options,
    locations,
    newCompactorThread: () => new WorkerPool({ entry: 'compactor', heapMiB: heaps.compactorMiB }),
    newBackupThread: () => new WorkerPool({ entry: 'backup', heapMiB: heaps.backupMiB }),
    defer: setImmediate,
    repeat,
    onClosed: () => lock.release(),
    newTransactionId: randomUUID,
  });
}

function repeat(work: () => void, everyMs: number): () => void {
  const timer = setInterval(work, everyMs);
  return () => clearInterval(timer);
}
