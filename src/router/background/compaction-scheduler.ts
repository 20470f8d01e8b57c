// Decides when which shard's journal is folded into its snapshot, one shard at a time, and carries
// the work from the shard to the compactor's thread and back.
import { liveJournalsMax } from '../../base/limits.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import type { ShardReport } from '../../protocol/shard-operation.ts';
import { valueOfTask, type CompactorTasks, type ShardLocation } from '../../protocol/shard-task.ts';
import type { ShardClient } from '../shard/shard-client.ts';
import type { TaskThread } from '../threads/task-thread.ts';

export interface CompactionSchedulerOptions {
  /** A journal this large is compacted; a larger snapshot may wait for half its size. */
  readonly compactJournalBytes: number;
  readonly monotonicMs: () => number;
  /** Begins the compactor's thread, when it is first needed. */
  readonly newThread: () => TaskThread<CompactorTasks>;
  readonly onFailure: (shard: number, error: unknown) => void;
}

export interface CompactableShard {
  readonly client: ShardClient;
  readonly location: ShardLocation;
}

const retryAfterMs = 5000;
const retryAfterMaxMs = 60_000;
/** How long a compaction may take before its thread counts as hung: so long, and by its size. */
const compactionMaxMs = 60_000;
const slowCompactionBytesPerMs = 500;
/** For a shard that knows that there is room now: puts wait for it. */
const retryForRoomMs = 1000;

export class CompactionScheduler {
  readonly #options: CompactionSchedulerOptions;
  readonly #shards: readonly CompactableShard[];
  #thread: TaskThread<CompactorTasks> | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #holds = 0;
  /** What the one under way may still take. Counted in ticks: a stopped process does not count. */
  #leftMs = Infinity;
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
   * Starts a compaction where one is due and none is running; gives up one that hangs.
   *
   * @param elapsedMs since the last tick, at most, as far as the process was running
   */
  tick(elapsedMs: number): void {
    this.#leftMs -= elapsedMs;
    if (this.#leftMs <= 0) this.#endThread();
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
   * Does the work while no compaction begins. One that is under way may end: what it replaces is
   * kept until the next.
   */
  async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1;
    try {
      return await work();
    } finally {
      this.#holds -= 1;
    }
  }

  /** A compaction under way is dropped: it has changed nothing that counts. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.destroy();
    await this.#running;
  }

  /** What runs in it fails with it; the next compaction begins another one. */
  #endThread(): void {
    this.#leftMs = Infinity;
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
    const bound = Math.max(this.#options.compactJournalBytes, snapshotBytes / 2);
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

  /** False where there was nothing to compact. */
  async #compact(shard: CompactableShard): Promise<boolean> {
    const { client } = shard;
    const { epoch } = client;
    const input = await client.beginCompaction();
    if (input === undefined || this.#isClosed) return false;
    try {
      const snapshot = await this.#fold(shard, input);
      // A shard that was opened anew meanwhile has tidied its folder, this snapshot included.
      if (client.epoch !== epoch || !client.isServing) throw new Error('the shard was opened anew');
      await client.installSnapshot(snapshot);
      return true;
    } catch (error) {
      if (client.epoch === epoch && client.isServing) await client.abortCompaction();
      throw error;
    }
  }

  async #fold({ client, location }: CompactableShard, input: Parcel): Promise<Parcel> {
    const { journalBytes = 0, snapshotBytes = 0 } = client.report ?? {};
    this.#leftMs = compactionMaxMs + (journalBytes + snapshotBytes) / slowCompactionBytesPerMs;
    this.#thread ??= this.#options.newThread();
    try {
      return valueOfTask(await this.#thread.run('compact', { ...location, input }));
    } finally {
      this.#leftMs = Infinity;
    }
  }
}
