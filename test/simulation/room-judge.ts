// The store may refuse puts for lack of room only while there is none, or while a compaction makes
// room. Knows the clients' results, and nothing of shards.
import type { Result } from '../../src/store/result.ts';
import type { TransactionResult } from '../../src/store/transaction.ts';
import type { Store } from '../../src/store/store.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { RunRecord } from './run-record.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface RoomOptions {
  readonly clock: SimulatedClock;
  readonly faults: FaultInjector;
  readonly record: RunRecord;
}

/** Promised: a shard tries again every second. */
const noticedWithinMs = 1500;

export class RoomJudge {
  readonly #options: RoomOptions;
  #store: Store | undefined;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** From here on clients ask this store. */
  noteServing(store: Store): void {
    this.#store = store;
  }

  /**
   * A client sends a put or a transaction.
   *
   * @returns the function that gets the result
   */
  sent(): (result: Result | TransactionResult<unknown>) => void {
    const { clock, faults, record } = this.#options;
    const { roomSinceMs } = faults;
    const roomForMs = clock.monotonicMs() - roomSinceMs;
    const before = this.#compactions();
    return (result) => {
      if (result.kind !== 'refused' || result.error.code !== 'DISK_FULL') return;
      // The disk may have been full for a moment meanwhile.
      if (roomForMs < noticedWithinMs || faults.roomSinceMs !== roomSinceMs) return;
      if (before === undefined || before !== this.#compactions()) return;
      record.fail(`a put is refused, and there has been room for ${roomForMs} ms`);
    };
  }

  /** Figures of compactions; undefined while one is running. */
  #compactions(): string | undefined {
    const figures = this.#store?.status().compactions;
    return figures === undefined || figures.running > 0 ? undefined : JSON.stringify(figures);
  }
}
