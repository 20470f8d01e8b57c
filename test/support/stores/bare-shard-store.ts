// One shard as a Store: no threads, no queue, no cache. Every operation is a batch of its own.
import { TimestampClock, type Clock } from '../../../src/base/clock.ts';
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import { decodeBatch, encodeBatch } from '../../../src/protocol/batch-frame.ts';
import { decodeReply, encodeReply } from '../../../src/protocol/reply-frame.ts';
import type {
  EntryChange,
  ShardOperation,
  ShardResult,
} from '../../../src/protocol/shard-operation.ts';
import type { StartTask } from '../../../src/protocol/shard-task.ts';
import { KeyLocks } from '../../../src/router/key-locks.ts';
import { mergeFigures } from '../../../src/router/merge-figures.ts';
import { mergePages } from '../../../src/router/merge-pages.ts';
import { OpenedShard } from '../../../src/shard/opened-shard.ts';
import type { Shard } from '../../../src/shard/shard.ts';
import { createShardFolder } from '../../../src/storage/create-shard-folder.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import type { KeyRange, ListPage, ListQuery } from '../../../src/store/listing.ts';
import type { EntryName, Operation } from '../../../src/store/operation.ts';
import { durabilityOf, type Durability, type Result } from '../../../src/store/result.ts';
import type { Store, TransactOptions } from '../../../src/store/store.ts';
import type { NamespaceFigures, StoreStatus } from '../../../src/store/store-status.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';

export const shardPlace = {
  folder: '/data/shard-0000',
  name: 'shard-0000',
  identity: { store: '00000000-0000-4000-8000-000000000000', shard: 0 },
};

/** The start of a store without transactions in doubt. */
export function startOf(timestamp: number): StartTask {
  return { timestamp, outcomes: new Map(), inFlight: new Set() };
}

export class BareShardStore implements Store {
  readonly durability: Durability;
  readonly shard: Shard;
  readonly #timestamps: TimestampClock;
  readonly #locks = new KeyLocks();

  constructor(
    fileSystem: FileSystem,
    clock: Clock,
    fsync: FsyncMode = 'always',
    reserveBytesMin = 4096,
  ) {
    if (!fileSystem.exists(shardPlace.folder)) {
      createShardFolder(fileSystem, shardPlace.folder, shardPlace.identity);
    }
    this.durability = durabilityOf(fsync);
    this.#timestamps = new TimestampClock(clock);
    const opened = new OpenedShard({ ...shardPlace, fileSystem, fsync, clock, reserveBytesMin });
    this.#timestamps.raiseFloor(opened.found.at);
    this.shard = opened.start(startOf(this.#timestamps.timestamp()));
  }

  timestamp(): number {
    return this.#timestamps.timestamp();
  }

  /** Encodes and decodes the frames, as threads do. */
  ask(...operations: ShardOperation[]): readonly ShardResult[] {
    const batch = decodeBatch(encodeBatch({ timestamp: this.timestamp(), operations }));
    return decodeReply(encodeReply(this.shard.apply(batch))).results;
  }

  async submit(operation: Operation): Promise<Result> {
    return await this.#locks.hold([operation], () => this.#submit(operation));
  }

  async submitAll(operations: readonly Operation[]): Promise<Result[]> {
    return await this.#locks.hold(operations, () => this.ask(...operations) as Result[]);
  }

  async getMany(names: readonly EntryName[]): Promise<Result[]> {
    return await this.#locks.hold(names, () => this.#read(names));
  }

  transact<Output>(
    names: readonly EntryName[],
    plan: TransactionPlan<Output>,
    { synced = false }: TransactOptions = {},
  ): Promise<TransactionResult<Output>> {
    return this.#locks.hold(names, () => {
      const entries = this.#read(names).map((result) =>
        result.kind === 'entry' ? result : undefined,
      );
      const version = this.shard.report().nextSeq;
      const versions = names.map(() => version);
      const { output, changes, flush } = plan({ entries, versions, now: this.timestamp() });
      const changed = names.flatMap((name, index): EntryChange[] => {
        const change = changes[index];
        if (change === undefined) return [];
        return [{ ...name, put: change === 'delete' ? undefined : change }];
      });
      if (changed.length === 0 && flush === undefined)
        return { kind: 'committed', output, durability: undefined };
      const validUntil = Infinity;
      const [answer] = this.ask({
        op: 'change',
        flush,
        changes: changed,
        version,
        validUntil,
        synced,
      });
      if (answer?.kind === 'refused') return answer;
      return { kind: 'committed', output, durability: synced ? 'synced' : this.durability };
    });
  }

  async list(query: ListQuery): Promise<ListPage> {
    const [page] = this.ask({ op: 'list', query, now: this.timestamp() });
    if (page?.kind !== 'page') throw new Error('a page expected');
    return mergePages([page], query);
  }

  async count(namespace: string, within?: readonly KeyRange[]): Promise<number> {
    const [answer] = this.ask({ op: 'count', namespace, within, now: this.timestamp() });
    if (answer?.kind !== 'count') throw new Error('a count expected');
    return answer.count;
  }

  async measure(namespaces?: readonly string[]): Promise<readonly NamespaceFigures[]> {
    const [answer] = this.ask({ op: 'measure', namespaces });
    if (answer?.kind !== 'figures') throw new Error('figures expected');
    return mergeFigures([answer.figures], namespaces);
  }

  status(): StoreStatus {
    throw new Error('a bare shard has no status');
  }

  async close(): Promise<void> {
    this.shard.stop(this.timestamp());
  }

  #read(names: readonly EntryName[]): Result[] {
    return this.ask(
      ...names.map(({ namespace, key }) => ({ op: 'get', namespace, key }) as const),
    ) as Result[];
  }

  #submit(operation: Operation): Result {
    return this.ask(operation)[0] as Result;
  }
}
