// Decides when a compaction folds a shard's journal into its snapshot, one shard at a time. Carries the
// work from the shard to the compactor's thread and back. Never looks into the parcels that it carries.
import { liveJournalsMax } from '../../base/limits.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import type { ShardReport } from '../../protocol/shard-operation.ts';
import { valueOfTask, type CompactorTasks } from '../../protocol/shard-task.ts';
import type { ShardClient } from '../shard/shard-client.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

export interface CompactionSchedulerOptions {
  /**
   * Bytes. A shard is compacted once its journals are larger than this, and than its snapshot: so a
   * byte that is written is copied about twice.
   */
  readonly compactJournalBytes: number;
  readonly monotonicMs: () => number;
  /** Starts the compactor's thread, when a compaction first needs one. */
  readonly newThread: () => TaskThread<CompactorTasks>;
  readonly onFailure: (shard: number, error: unknown) => void;
}

export interface CompactableShard {
  readonly client: ShardClient;
  readonly location: ShardLocation;
}

const retryAfterMs = 5000;
const retryAfterMaxMs = 60_000;
/** The thread counts as hung after this time, plus the time that its input takes at this speed. */
const compactionMaxMs = 60_000;
const slowCompactionBytesPerMs = 500;
/** Wait after a failure, if a full disk has room for a compaction: puts wait for its outcome. */
const retryForRoomMs = 1000;

export class CompactionScheduler {
  readonly #options: CompactionSchedulerOptions;
  readonly #shards: readonly CompactableShard[];
  #thread: WatchedThread<CompactorTasks> | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #holds = 0;
  #next = 0;
  #completed = 0;
  #failed = 0;
  #failuresInARow = 0;
  #notBeforeMs = 0;
  #notForRoomBeforeMs = 0;

  constructor(shards: readonly CompactableShard[], options: CompactionSchedulerOptions) {
    this.#shards = shards;
    this.#options = options;
  }

  get figures(): { running: number; completed: number; failed: number } {
    const running = this.#running === undefined ? 0 : 1;
    return { running, completed: this.#completed, failed: this.#failed };
  }

  /**
   * Starts a compaction if one is due and none is running; gives up a compaction that hangs.
   *
   * @param elapsedMs at most the time since the last tick; time in which the process was stopped
   *   does not count
   */
  tick(elapsedMs: number): void {
    if (this.#thread?.tick(elapsedMs)) this.#endThread();
    if (this.#isClosed || this.#holds > 0 || this.#running !== undefined) return;
    const now = this.#options.monotonicMs();
    if (now < this.#notForRoomBeforeMs) return;
    const due = this.#nextDue(now < this.#notBeforeMs);
    if (due === undefined) return;
    this.#running = this.#run(due).finally(() => {
      this.#running = undefined;
    });
  }

  /**
   * Runs `work` while no compaction begins. A running compaction may end meanwhile: the files that
   * it replaces are kept until the next compaction.
   */
  async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1;
    try {
      return await work();
    } finally {
      this.#holds -= 1;
    }
  }

  /** Drops the running compaction, which has changed nothing that counts. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.destroy();
    await this.#running;
  }

  /** Fails the compaction that the thread runs. The next compaction starts another thread. */
  #endThread(): void {
    void this.#thread?.destroy();
    this.#thread = undefined;
  }

  #nextDue(isForRoomOnly: boolean): CompactableShard | undefined {
    for (let tried = 0; tried < this.#shards.length; tried++) {
      const shard = this.#shards[(this.#next + tried) % this.#shards.length];
      if (shard?.client.isServing && this.#isDue(shard.client.report, isForRoomOnly)) {
        this.#next = (this.#next + tried + 1) % this.#shards.length;
        return shard;
      }
    }
    return undefined;
  }

  #isDue(report: ShardReport | undefined, isForRoomOnly: boolean): boolean {
    if (report === undefined) return false;
    const { journalBytes, snapshotBytes, liveJournals, wantsCompaction } = report;
    if (wantsCompaction || isForRoomOnly) return wantsCompaction;
    const bound = Math.max(this.#options.compactJournalBytes, snapshotBytes);
    return journalBytes > bound || liveJournals > liveJournalsMax;
  }

  async #run(shard: CompactableShard): Promise<void> {
    try {
      if (await this.#compact(shard)) this.#completed += 1;
      this.#failuresInARow = 0;
    } catch (error) {
      if (this.#isClosed) return;
      this.#failed += 1;
      this.#failuresInARow += 1;
      const wait = Math.min(retryAfterMs * 2 ** (this.#failuresInARow - 1), retryAfterMaxMs);
      this.#notBeforeMs = this.#options.monotonicMs() + wait;
      this.#notForRoomBeforeMs = this.#options.monotonicMs() + retryForRoomMs;
      this.#options.onFailure(shard.client.shard, error);
    }
  }

  /** @returns false if there was nothing to compact */
  async #compact(shard: CompactableShard): Promise<boolean> {
    const { client } = shard;
    const { epoch } = client;
    const input = await client.beginCompaction();
    if (input === undefined || this.#isClosed) return false;
    try {
      const snapshot = await this.#fold(shard, input);
      // A shard that was opened again meanwhile has tidied its folder, this snapshot included.
      if (client.epoch !== epoch || !client.isServing) throw new Error('the shard was reopened');
      await client.installSnapshot(snapshot);
      return true;
    } catch (error) {
      if (client.epoch === epoch && client.isServing) await client.abortCompaction();
      throw error;
    }
  }

  async #fold({ client, location }: CompactableShard, input: Parcel): Promise<Parcel> {
    const { journalBytes = 0, snapshotBytes = 0 } = client.report ?? {};
    const limitMs = compactionMaxMs + (journalBytes + snapshotBytes) / slowCompactionBytesPerMs;
    this.#thread ??= new WatchedThread(this.#options.newThread());
    return valueOfTask(await this.#thread.run('compact', { ...location, input }, { limitMs }));
  }
}
