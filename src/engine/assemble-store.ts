// Joins shards, compactions, housekeeping and router into a store. The caller gives threads and
// clock: real ones when serving, simulated ones in tests. All shards are checked before anything
// changes. Knows no file and no timer.
import type { Logger } from 'pino';
import { TimestampClock, type Clock } from '../base/clock.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { ShardLocation } from '../base/shard-location.ts';
import type {
  BackupTasks,
  CompactorTasks,
  OpenedReport,
  ShardTasks,
} from '../protocol/shard-task.ts';
import { Backups } from '../router/background/backups.ts';
import { CompactionScheduler } from '../router/background/compaction-scheduler.ts';
import { Housekeeper, housekeepingMs } from '../router/background/housekeeper.ts';
import { KeyLocks } from '../router/key-locks.ts';
import { Quotas } from '../router/quotas/quotas.ts';
import { ReservedWrites } from '../router/quotas/reserved-writes.ts';
import { Router } from '../router/router.ts';
import { Sequencer } from '../router/sequencer.ts';
import { ShardClient } from '../router/shard/shard-client.ts';
import type { TaskThread } from '../router/threads/task-thread.ts';
import { TransactionRunner } from '../router/transactions/transaction-runner.ts';
import { TwoPhaseCommit } from '../router/transactions/two-phase-commit.ts';
import { resolveInDoubt } from '../storage/transaction-outcome.ts';
import { durabilityOf } from '../store/result.ts';
import { Turns } from '../router/turns/turns.ts';
import type { CommandStore } from '../store/store.ts';

export interface AssemblyOptions {
  /** One location for each shard, in order of their numbers. */
  readonly locations: readonly ShardLocation[];
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  /** False: every read goes through the queue of its shard. */
  readonly directReads: boolean;
  readonly compactJournalBytes: number;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Starts the thread of one shard, which has opened nothing yet. */
  readonly newShardThread: (
    shard: number,
    onIdleDeath: (error: Error) => void,
  ) => TaskThread<ShardTasks>;
  /** Starts the compactor's thread, when a compaction first needs one. */
  readonly newCompactorThread: () => TaskThread<CompactorTasks>;
  /** Starts a thread for one backup. */
  readonly newBackupThread: () => TaskThread<BackupTasks>;
  /** Runs `work` at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  /** Runs `work` again and again, until the caller calls the returned function. */
  readonly repeat: (work: () => void, everyMs: number) => () => void;
  /** See `TurnsOptions.shortMax`. */
  readonly shortQueueMax?: number | undefined;
  /** Called once everything is durable and closed. */
  readonly onClosed: () => void;
  /** Gives an id that no other transaction has, in this life of the program or another. */
  readonly newTransactionId: () => string;
}

/**
 * @throws StoreError STORE_DAMAGED or STORE_MISMATCH, with nothing changed; STORE_INACCESSIBLE or
 *   DISK_FULL, when some shards may have been brought into order already
 */
export async function assembleStore(options: AssemblyOptions): Promise<CommandStore> {
  const { logger, clock, fsync, onClosed } = options;
  const timestamps = new TimestampClock(clock);
  const timestamp = (): number => timestamps.timestamp();
  const monotonicMs = (): number => clock.monotonicMs();
  const transactionsInFlight = new Set<string>();
  const quotas = new Quotas(options.locations.length);
  const onBatchLeft = (): void => turns.serve();
  const shards = options.locations.map((location) => ({
    location,
    client: newClient(location, { timestamps, transactionsInFlight, quotas, onBatchLeft }, options),
  }));
  const clients = shards.map(({ client }) => client);
  const turns = new Turns(clients, { monotonicMs, shortMax: options.shortQueueMax });
  try {
    await startAll(clients, timestamps, logger);
  } catch (error) {
    await Promise.all(clients.map((client) => client.abandon()));
    throw error;
  }
  const compactions = new CompactionScheduler(shards, {
    compactJournalBytes: options.compactJournalBytes,
    monotonicMs,
    newThread: options.newCompactorThread,
    onFailure: (shard, error) =>
      logger.error({ shard, why: String(error) }, 'a compaction failed; it is tried again later'),
  });
  const sequencer = new Sequencer(clients, timestamps, options.directReads);
  const backups = new Backups({
    sequencer,
    compactions,
    locations: options.locations,
    timestamp,
    wallMs: () => clock.wallMs(),
    newThread: options.newBackupThread,
  });
  const { fsyncIntervalMs } = options;
  const housekeeper = new Housekeeper(
    { shards: clients, sequencer, compactions, backups, turns },
    { fsync, fsyncIntervalMs, timestamp, monotonicMs },
  );
  const onClosing = options.repeat(() => housekeeper.tick(), housekeepingMs);
  const locks = new KeyLocks();
  const durability = durabilityOf(fsync);
  const writes = new ReservedWrites(quotas, sequencer, timestamp);
  const transactions = new TransactionRunner({
    locks,
    sequencer,
    writes,
    twoPhaseCommit: new TwoPhaseCommit({
      sequencer,
      timestamp,
      newId: options.newTransactionId,
      inFlight: transactionsInFlight,
    }),
    timestamp,
    durability,
  });
  const parts = {
    clock: timestamps,
    locks,
    sequencer,
    turns,
    writes,
    transactions,
    compactions,
    backups,
  };
  return new Router(clients, { ...parts, durability, onClosing, onClosed });
}

interface SharedParts {
  readonly timestamps: TimestampClock;
  readonly transactionsInFlight: ReadonlySet<string>;
  readonly quotas: Quotas;
  readonly onBatchLeft: () => void;
}

function newClient(
  location: ShardLocation,
  { timestamps, transactionsInFlight, quotas, onBatchLeft }: SharedParts,
  { fsync, defer, clock, logger, newShardThread }: AssemblyOptions,
): ShardClient {
  return new ShardClient({
    location,
    fsync,
    newThread: (onIdleDeath) => newShardThread(location.identity.shard, onIdleDeath),
    defer,
    timestamp: () => timestamps.timestamp(),
    monotonicMs: () => clock.monotonicMs(),
    onEpoch: (shard, why) => logger.error({ shard, why }, 'a shard is reopened'),
    onFailed: (shard, why) => logger.error({ shard, why }, 'a shard does not serve any more'),
    onSuspended: (shard, why) =>
      logger.error({ shard, why }, 'a shard does not serve until its disk works again'),
    onResumed: (shard) => logger.warn({ shard }, 'a shard serves again'),
    onDiskFull: (shard, isFull) => {
      const what = isFull ? 'the disk is full: puts are refused' : 'there is room on disk again';
      logger.warn({ shard }, what);
    },
    onBatchLeft,
    usage: quotas,
    transactionsInFlight: () => transactionsInFlight,
  });
}

const cannotBeOpened = 'a shard cannot be opened';

/** Changes nothing before all shards are found to be valid. */
async function startAll(
  clients: readonly ShardClient[],
  timestamps: TimestampClock,
  logger: Logger,
): Promise<void> {
  const opening = clients.map((client) => client.open());
  for (const [shard, work] of opening.entries()) {
    // The caller gets the first error alone, so all errors are logged here.
    work.catch((error: unknown) => logger.error({ shard, why: String(error) }, cannotBeOpened));
  }
  const opened = await allOrFirstError(opening);
  for (const [shard, { at, entries, torn }] of opened.entries()) {
    timestamps.raiseFloor(at);
    for (const { generation, bytes, cutBytes, reason } of torn) {
      const facts = { shard, generation, offset: bytes, cutBytes, reason };
      logger.warn(facts, 'the torn tail of a journal is cut off and kept in a file of its own');
    }
    logger.debug({ shard, entries }, 'a shard is recovered');
  }
  const outcomes = await outcomesOfInDoubt(clients, opened);
  for (const [transaction, committed] of outcomes) {
    const what = committed ? 'committed' : 'aborted: not all participants had prepared it';
    logger.warn({ transaction }, `a transaction that was in doubt is ${what}`);
  }
  // Recovered records may still be in the page cache alone. A power cut must not remove records on
  // which the outcome in another shard rests.
  if (outcomes.size > 0) await allOrFirstError(clients.map((client) => client.secure()));
  await allOrFirstError(clients.map((client) => client.start(outcomes)));
}

/**
 * Resolves transactions in doubt by the traces of all shards; see
 * src/storage/transaction-outcome.ts.
 */
async function outcomesOfInDoubt(
  clients: readonly ShardClient[],
  opened: readonly OpenedReport[],
): Promise<Map<string, boolean>> {
  const prepared = opened.map(
    ({ inDoubt }) => new Map(inDoubt.map((one) => [one.transaction, one])),
  );
  const ids = [...new Set(prepared.flatMap((one) => [...one.keys()]))];
  if (ids.length === 0) return new Map();
  const recorded = await allOrFirstError(clients.map((client) => client.outcomesOf(ids)));
  const none = new Map<string, boolean>();
  return resolveInDoubt(
    prepared.map((one, shard) => ({ prepared: one, outcomes: recorded[shard] ?? none })),
  );
}

/** Waits for all. The caller must not continue while a thread is still at work. */
async function allOrFirstError<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
