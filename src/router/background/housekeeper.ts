// Owns what happens by time and not by request. Shards have no timers: a tick of the housekeeper
// starts their work. A tick starts syncs in mode `interval`, sweeps of expired entries, marks of
// idle shards, compactions, and looks at watched entries that have expired. It also gives up threads that hang. Has no timer: its owner repeats
// `tick`.
import type { FsyncMode } from '../../base/fsync-mode.ts';
import type { Backups } from './backups.ts';
import type { CompactionScheduler } from './compaction-scheduler.ts';
import type { Sequencer } from '../sequencer.ts';
import type { Turns } from '../turns/turns.ts';
import type { ShardClient } from '../shard/shard-client.ts';

export interface HousekeeperParts {
  readonly shards: readonly ShardClient[];
  readonly sequencer: Sequencer;
  readonly compactions: CompactionScheduler;
  readonly backups: Pick<Backups, 'tick'>;
  readonly turns: Pick<Turns, 'tick'>;
}

export interface HousekeeperOptions {
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  /** The present timestamp. */
  readonly timestamp: () => number;
  readonly monotonicMs: () => number;
}

/** Milliseconds between two ticks: bounds how late a sweep, a sync or a compaction begins. */
export const housekeepingMs = 50;
const markAfterIdleMs = 1000;
/** Wait after a sweep that found no room on disk for its deletes. */
const sweepAgainMs = 1000;

export class Housekeeper {
  readonly #parts: HousekeeperParts;
  readonly #options: HousekeeperOptions;
  readonly #sweeping = new Set<ShardClient>();
  #lastSyncMs: number;
  #sweepNotBeforeMs = 0;

  constructor(parts: HousekeeperParts, options: HousekeeperOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#lastSyncMs = options.monotonicMs();
  }

  tick(): void {
    const { shards, sequencer, compactions, backups, turns } = this.#parts;
    compactions.tick(housekeepingMs);
    const { watches } = sequencer;
    if (!watches.areIdle) watches.tick(this.#options.timestamp(), housekeepingMs);
    const isSyncDue = this.#isSyncDue();
    for (const shard of shards) {
      shard.tick(housekeepingMs);
      if (!shard.isServing) continue;
      if (isSyncDue) void shard.sync();
      this.#sweep(shard);
      this.#mark(shard);
    }
    backups.tick(housekeepingMs);
    turns.tick();
  }

  #isSyncDue(): boolean {
    const { fsync, fsyncIntervalMs, monotonicMs } = this.#options;
    if (fsync !== 'interval' || monotonicMs() - this.#lastSyncMs < fsyncIntervalMs) return false;
    this.#lastSyncMs = monotonicMs();
    return true;
  }

  /** Sweeps one step at a time, so that requests come between two steps. */
  #sweep(shard: ShardClient): void {
    const nextExpiryAt = shard.report?.nextExpiryAt ?? Infinity;
    const now = this.#options.timestamp();
    if (this.#sweeping.has(shard) || nextExpiryAt > now) return;
    if (this.#options.monotonicMs() < this.#sweepNotBeforeMs) return;
    this.#sweeping.add(shard);
    void this.#sweepStep(shard, now);
  }

  async #sweepStep(shard: ShardClient, now: number): Promise<void> {
    const { kind } = await this.#parts.sequencer.ask(shard, { op: 'sweep', now });
    this.#sweeping.delete(shard);
    if (kind === 'refused') {
      this.#sweepNotBeforeMs = this.#options.monotonicMs() + sweepAgainMs;
    } else {
      // The next step may be due at once: the report that came with this answer says so.
      this.#sweep(shard);
    }
  }

  #mark(shard: ShardClient): void {
    // A mark needs a sync, and mode `never` makes none.
    if (this.#options.fsync === 'never') return;
    if (shard.report?.hasUnmarked !== true || shard.idleMs < markAfterIdleMs) return;
    void this.#parts.sequencer.ask(shard, { op: 'mark' });
  }
}
