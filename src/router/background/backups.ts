// Owns the one backup that may run at a time. All shards make a consistent cut at one moment, while
// no compaction begins. backup-pieces.ts has what follows. Never looks into what a cut holds.
import type { StoreError } from '../../base/errors.ts';
import { overloaded } from '../../base/overloaded.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import type { BackupTasks, BeginBackupTask } from '../../protocol/shard-task.ts';
import type { BackupOptions } from '../../store/store.ts';
import type { Sequencer } from '../sequencer.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import { BackupPieces } from './backup-pieces.ts';
import type { CompactionScheduler } from './compaction-scheduler.ts';

const retryAfterMs = 10_000;

export interface BackupsOptions {
  readonly sequencer: Sequencer;
  readonly compactions: CompactionScheduler;
  /** One location for each shard, in order of their numbers. */
  readonly locations: readonly ShardLocation[];
  readonly timestamp: () => number;
  /** The machine's clock, Unix milliseconds. */
  readonly wallMs: () => number;
  /** Starts a thread for one backup. */
  readonly newThread: () => TaskThread<BackupTasks>;
}

export class Backups {
  readonly #options: BackupsOptions;
  #running: BackupPieces | undefined;
  #isBeginning = false;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /**
   * @returns the pieces. The caller reads them to the end, or calls `return`, before the next backup.
   * @throws StoreError OVERLOADED if a backup is running, or the error of a shard that does not
   *   serve; any error of the thread
   */
  async take(options: BackupOptions = {}): Promise<AsyncIterableIterator<Uint8Array>> {
    if (this.#isBeginning || this.#running !== undefined) throw oneIsRunning();
    this.#isBeginning = true;
    try {
      // A compaction could replace and remove a file of the cut before the thread has opened it.
      return await this.#options.compactions.whileHeld(async () =>
        this.#begin(await this.#cut(options)),
      );
    } finally {
      this.#isBeginning = false;
    }
  }

  /**
   * Gives up the backup if its thread hangs: compactions wait until the thread has opened its
   * files.
   *
   * @param elapsedMs at most the time since the last tick; time in which the process was stopped
   *   does not count
   */
  tick(elapsedMs: number): void {
    this.#running?.tick(elapsedMs);
  }

  /** Aborts the running backup: its reader gets an error, never an early end. */
  async close(): Promise<void> {
    await this.#running?.abort();
  }

  /** Takes a consistent cut: all shards seal their data at one moment. */
  async #cut({ namespace }: BackupOptions): Promise<BeginBackupTask> {
    const { sequencer, locations, timestamp, wallMs } = this.#options;
    const cuts = await sequencer.askAll({ op: 'cut' });
    const parts = locations.map((location, shard) => {
      const cut = cuts[shard];
      if (cut?.kind !== 'cut') throw new Error(`a cut was answered by a ${cut?.kind}`);
      return { ...location, input: cut.parcel };
    });
    return { parts, at: timestamp(), createdAt: wallMs(), namespace };
  }

  async #begin(task: BeginBackupTask): Promise<BackupPieces> {
    const pieces = new BackupPieces(this.#options.newThread(), () => {
      this.#running = undefined;
    });
    this.#running = pieces;
    await pieces.begin(task);
    return pieces;
  }
}

function oneIsRunning(): StoreError {
  const detail = 'A backup is being taken already; one at a time.';
  return overloaded(detail, { retryAfterMs });
}
