// A ShardClient over simulated threads.
import { TimestampClock } from '../../../src/base/clock.ts';
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import type { ShardOperation, ShardResult } from '../../../src/protocol/shard-operation.ts';
import { Quotas } from '../../../src/router/quotas/quotas.ts';
import { ShardClient } from '../../../src/router/shard/shard-client.ts';
import { QueuedOperation } from '../../../src/router/shard/queued-operation.ts';
import { createShardFolder } from '../../../src/storage/create-shard-folder.ts';
import { shardPlace } from '../stores/bare-shard-store.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryFileSystem } from '../disk/memory-file-system.ts';
import { SimulatedThread } from './simulated-thread.ts';

export class SimulatedClient {
  readonly files = new MemoryFileSystem();
  readonly clock = new ManualClock();
  /** All threads that were started, the present one last. */
  readonly threads: SimulatedThread[] = [];
  readonly epochs: string[] = [];
  readonly failures: string[] = [];
  readonly suspensions: string[] = [];
  readonly client: ShardClient;
  /** True: threads that start from now on take no task. */
  holdNext = false;

  constructor(fsync: FsyncMode = 'always') {
    createShardFolder(this.files, shardPlace.folder, shardPlace.identity);
    const timestamps = new TimestampClock(this.clock);
    this.client = new ShardClient({
      location: shardPlace,
      fsync,
      newThread: () => {
        const thread = new SimulatedThread(this.files, this.clock);
        thread.isHeld = this.holdNext;
        this.threads.push(thread);
        return thread;
      },
      defer: queueMicrotask,
      timestamp: () => timestamps.timestamp(),
      monotonicMs: () => this.clock.monotonicMs(),
      onEpoch: (_, why) => this.epochs.push(why),
      onFailed: (_, why) => this.failures.push(why),
      onSuspended: (_, why) => this.suspensions.push(why),
      onResumed: () => this.suspensions.push('over'),
      onDiskFull: () => {},
      onBatchLeft: () => {},
      usage: new Quotas(1),
      transactionsInFlight: () => new Set(),
    });
  }

  static async start(fsync?: FsyncMode): Promise<SimulatedClient> {
    const simulated = new SimulatedClient(fsync);
    await simulated.client.open();
    await simulated.client.start();
    return simulated;
  }

  get thread(): SimulatedThread {
    const thread = this.threads.at(-1);
    if (thread === undefined) throw new Error('a client begins with a thread');
    return thread;
  }

  ask(operation: ShardOperation): Promise<ShardResult> {
    return new Promise((resolve) => this.client.enqueue(new QueuedOperation(operation, resolve)));
  }

  /** Lets time pass, with the housekeeper's ticks. */
  async tick(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.clock.advance(50);
      this.client.tick(50);
      await this.settle();
    }
  }

  /** Runs everything that needs no further call. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }
}
