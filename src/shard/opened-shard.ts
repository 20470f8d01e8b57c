// A recovered shard that does not serve yet. Has read its files and changed none of them. `start`
// brings the files into order and makes the serving shard. Knows no
// thread.
import { assert } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import type { OpenedReport, StartTask } from '../protocol/shard-task.ts';
import { BatchCommit } from './commit/batch-commit.ts';
import { preparedOfRecord, PreparedTransactions } from './commit/prepared-transactions.ts';
import { Staging } from './commit/staging.ts';
import { DiskSpace, reserveBytesFor } from './files/disk-space.ts';
import { secureFiles, startFiles } from './files/start-files.ts';
import { recoverShard, type Recovered } from './recovery/recovery.ts';
import { Shard, type ServingParts, type ShardOptions } from './shard.ts';
import { unlimitedMemory } from './table/memory-limits.ts';

export class OpenedShard {
  /** The result of recovery, without the entries. */
  readonly found: OpenedReport;
  readonly #options: ShardOptions;
  readonly #recovered: Recovered;

  /**
   * Reads and proves all live files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED or STORE_MISMATCH; system errors
   */
  constructor(options: ShardOptions) {
    const recovered = recoverShard(options, options.memory, options.hashKey);
    const { at, torn, traces, table } = recovered;
    const inDoubt = [...traces.prepared.values()].map(({ transaction, participants }) => ({
      transaction,
      participants,
    }));
    this.found = { entries: table.entries, at, torn, inDoubt };
    this.#options = options;
    this.#recovered = recovered;
  }

  /** @returns the outcomes that the files record for these transactions: true if committed */
  outcomesOf(transactions: readonly string[]): ReadonlyMap<string, boolean> {
    const { outcomes } = this.#recovered.traces;
    return new Map([...outcomes].filter(([transaction]) => transactions.includes(transaction)));
  }

  /**
   * Makes the recovered data durable, before another shard records an outcome that relies on it.
   *
   * @throws system errors
   */
  secure(): void {
    secureFiles(this.#options, this.#recovered);
  }

  /**
   * Brings the files into order, durably, and records the outcomes. The caller must not use this
   * object afterwards.
   *
   * @returns the serving shard
   * @throws StoreError DISK_FULL if there is no room to record an outcome; system errors
   */
  start(task: StartTask): Shard {
    const { timestamp } = task;
    const { fsync, clock, reserveBytesMin, memory = unlimitedMemory } = this.#options;
    const { table, traces, at } = this.#recovered;
    assert(timestamp >= at, 'time starts no lower than the last timestamp on disk');
    const reserveBytes = reserveBytesFor(table, reserveBytesMin);
    const files = startFiles(this.#options, this.#recovered, {
      fsync,
      at: timestamp,
      reserveBytes,
    });
    const monotonicMs = (): number => clock.monotonicMs();
    const space = new DiskSpace(files, table, { reserveBytesMin, monotonicMs });
    const transactions = new PreparedTransactions();
    const commit = new BatchCommit({ table, transactions, files, space, memory, fsync, clock });
    const oldOutcomes = traces.outcomes.size;
    const parts = { fsync, clock, memory, table, transactions, files, space, commit, oldOutcomes };
    this.#recordOutcomes(parts, task);
    return new Shard(parts);
  }

  /**
   * Records the outcomes of transactions in doubt, and makes the committed ones visible. Keeps all
   * records of transactions in flight.
   */
  #recordOutcomes(
    { table, transactions, files, commit }: ServingParts,
    { timestamp, outcomes, inFlight }: StartTask,
  ): void {
    const { traces } = this.#recovered;
    const staging = new Staging(table, transactions, timestamp, files.writer.nextSeq);
    for (const [transaction, record] of traces.prepared) {
      const prepared = preparedOfRecord(record);
      const committed = outcomes.get(transaction);
      assert(committed !== undefined || inFlight.has(transaction), 'no transaction stays in doubt');
      if (committed === undefined) transactions.add(prepared);
      else staging.resolve(prepared, committed);
    }
    if (commit.write(staging, timestamp, true) !== undefined) {
      throw new StoreError('DISK_FULL', 'no room on disk to record an outcome');
    }
    staging.commit();
    for (const transaction of outcomes.keys()) transactions.forget(transaction);
    for (const [transaction, committed] of traces.outcomes) {
      if (inFlight.has(transaction)) transactions.resolve(transaction, committed);
    }
  }
}
