// The rules of a store in the simplest form: one Map, sorted on demand. The test counts time and
// versions by hand. Tests judge the real engines and the HTTP layer by it, so it must stay obvious.
import { Readable } from 'node:stream';
import { bytesOf, textOfByteString } from '../../../src/base/byte-string.ts';
import { Histogram, batchSizeBounds, secondsBounds } from '../../../src/base/histogram.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { defaultCommandLimits } from '../../../src/commands/command.ts';
import { commandTable } from '../../../src/commands/command-table.ts';
import { runKeyed } from '../../../src/commands/run-command.ts';
import { BackupWriter } from '../../../src/storage/backup-writer.ts';
import { encodeEntry } from '../../../src/storage/record.ts';
import {
  refusalOf,
  refusalOfNames,
  type TransactionName,
} from '../../../src/store/authorization.ts';
import { conditionsHold } from '../../../src/store/conditions.ts';
import type { KeyRange, ListItem, ListPage, ListQuery } from '../../../src/store/listing.ts';
import type {
  CommandOperation,
  DeleteOperation,
  EntryName,
  Operation,
  PutOperation,
  ReadOperation,
} from '../../../src/store/operation.ts';
import type { Durability, ReplyResult, Result, Sight } from '../../../src/store/result.ts';
import type { BackupOptions, CommandStore, SubmitOptions } from '../../../src/store/store.ts';
import type {
  NamespaceFigures,
  ShardStatus,
  StoreStatus,
} from '../../../src/store/store-status.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';

interface Entry {
  readonly value: Uint8Array;
  readonly version: number;
  readonly expiresAt: number | undefined;
}

const nameOf = ({ namespace, key }: EntryName): string => `${namespace}\n${key}`;

export class ModelStore implements CommandStore {
  readonly durability: Durability = 'synced';
  /** The only clock. Tests set it. */
  nowMs = 1_700_000_000_000;
  readonly entries = new Map<string, Entry>();
  #version = 0;
  #closed = false;
  readonly #watchers = new Set<() => void>();

  /** Namespace and key of each entry, but for the server's own records. */
  get clientNames(): string[] {
    return [...this.entries.keys()].filter((name) => !name.startsWith('~'));
  }

  timestamp(): number {
    return this.nowMs;
  }

  submit(operation: Operation, { authorization }: SubmitOptions = {}): Result | Promise<Result> {
    if (this.#closed) {
      const error = new StoreError('SHUTTING_DOWN', 'The store is closed.', { retryable: true });
      return { kind: 'refused', error };
    }
    const error = refusalOf(operation, authorization);
    if (error !== undefined) return { kind: 'refused', error };
    if (operation.op === 'put') return this.#put(operation);
    if (operation.op === 'delete') return this.#delete(operation);
    return this.#read(operation);
  }

  watch(
    read: ReadOperation,
    onSight: (sight: Sight) => void,
    { authorization }: SubmitOptions = {},
  ): () => void {
    const error = refusalOf(read, authorization);
    const look = (): void => onSight(this.#read(read));
    if (error === undefined) look();
    else onSight({ kind: 'refused', error });
    this.#watchers.add(look);
    return () => void this.#watchers.delete(look);
  }

  /** Number of watches that have not ended. */
  get watchCount(): number {
    return this.#watchers.size;
  }

  /** Shows all watched entries again, after a change, or once the test has moved the time. */
  showWatched(): void {
    for (const look of this.#watchers) look();
  }

  async submitAll(operations: readonly Operation[], options: SubmitOptions = {}) {
    const results: Result[] = [];
    for (const operation of operations) {
      const result = await this.submit(operation, options);
      const isValue = result.kind === 'entry' && result.value !== undefined;
      const error = isValue ? options.reserveReplyBytes?.(result.size) : undefined;
      results.push(error === undefined ? result : { kind: 'refused', error });
    }
    return results;
  }

  areOnOneShard(): boolean {
    return true;
  }

  async submitCommands(
    operations: readonly (Operation | CommandOperation)[],
    options: SubmitOptions = {},
  ): Promise<(Result | ReplyResult)[]> {
    const results: (Result | ReplyResult)[] = [];
    for (const operation of operations) {
      const isCommand = operation.op === 'command';
      const error = isCommand ? refusalOf(operation, options.authorization) : undefined;
      if (error !== undefined) results.push({ kind: 'refused', error });
      else
        results.push(isCommand ? this.#command(operation) : await this.submit(operation, options));
    }
    return results;
  }

  async list(query: ListQuery): Promise<ListPage> {
    const keys = this.#keys(query.namespace).filter((key) => isAskedFor(key, query));
    if (query.reverse) keys.reverse();
    const page = keys.slice(0, query.limit);
    const items = page.map((key) => this.#item(query, key));
    return { items, next: keys.length > page.length ? page.at(-1) : undefined };
  }

  async count(namespace: string, within?: readonly KeyRange[]): Promise<number> {
    return this.#keys(namespace).filter((key) => isWithin(key, within)).length;
  }

  async measure(namespaces = this.#namespaces()): Promise<readonly NamespaceFigures[]> {
    return namespaces.map((namespace) => {
      const start = `${namespace}\n`;
      const own = [...this.entries].filter(([name]) => name.startsWith(start));
      const sizes = own.map(([name, { value }]) => name.length - start.length + value.length);
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      return { namespace, keys: own.length, bytes };
    });
  }

  async getMany(names: readonly EntryName[], options: SubmitOptions = {}): Promise<Result[]> {
    return this.submitAll(
      names.map(({ namespace, key }) => ({ op: 'get', namespace, key })),
      options,
    );
  }

  async transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    { authorization, ...options }: SubmitOptions = {},
  ): Promise<TransactionResult<Output>> {
    const error = refusalOfNames(names, authorization);
    if (error !== undefined) return { kind: 'refused', error };
    const read = await this.getMany(names, options);
    const refused = read.find((result) => result.kind === 'refused');
    if (refused !== undefined) return refused;
    const entries = read.map((result) => (result.kind === 'entry' ? result : undefined));
    const version = this.#version + 1;
    const versions = names.map(() => version);
    const { output, changes, flush = [] } = plan({ entries, versions, now: this.nowMs });
    const isChanged = flush.length > 0 || changes.some((change) => change !== undefined);
    for (const name of this.entries.keys()) {
      if (flush.some((namespace) => name.startsWith(`${namespace}\n`))) this.entries.delete(name);
    }
    if (isChanged) this.#version = version;
    for (const [index, change] of changes.entries()) {
      const name = names[index];
      if (change === undefined || name === undefined) continue;
      if (change === 'delete') this.entries.delete(nameOf(name));
      else this.entries.set(nameOf(name), { ...change, version });
    }
    this.showWatched();
    return { kind: 'committed', output, durability: isChanged ? this.durability : undefined };
  }

  async backup({ namespace: only }: BackupOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const [seq, at] = [this.#version + 1, this.nowMs];
    const header = { store: 'model', shards: 1, seq, at, createdAt: at, namespace: only };
    const writer = new BackupWriter(header);
    const pieces: Uint8Array[] = [];
    for (const name of [...this.entries.keys()].toSorted((a, b) => (a < b ? -1 : 1))) {
      const [namespace = '', key = ''] = name.split('\n', 2);
      const entry = this.entries.get(name);
      if (entry === undefined || namespace !== (only ?? namespace)) continue;
      const valueBase64 = Buffer.from(entry.value).toString('base64');
      const { version, expiresAt } = entry;
      const record = { key: textOfByteString(key), valueBase64 };
      writer.add(
        namespace,
        encodeEntry({ ...record, ...(expiresAt === undefined ? {} : { expiresAt }) }, version),
      );
      pieces.push(writer.take());
    }
    writer.finish();
    return Readable.from([...pieces, writer.take()]);
  }

  status(): StoreStatus {
    return {
      shards: [this.#shardStatus()],
      turnWaiters: 0,
      reads: { direct: 0, queued: 0 },
      transactions: { committed: 0, overShards: 0, refused: 0, unknown: 0 },
      compactions: { running: 0, completed: 0, failed: 0 },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #command({ namespace, name, args, keys, valueBytesMax }: CommandOperation): ReplyResult {
    const command = commandTable.get(name);
    if (command?.kind !== 'keyed') throw new Error('a command on keys');
    const entries = keys.map((key) => {
      const entry = this.#entry({ namespace, key });
      if (entry === undefined) return undefined;
      return { ...entry, value: Buffer.from(entry.value).toString('latin1') };
    });
    const limits = { ...defaultCommandLimits, valueBytesMax };
    const now = this.nowMs;
    const { reply, changes } = runKeyed(command, { args, keys, entries, now, limits });
    let hasChanged = false;
    for (const [index, change] of changes.entries()) {
      const entryName = nameOf({ namespace, key: keys[index] ?? '' });
      if (change === undefined || (change === 'delete' && !this.entries.has(entryName))) continue;
      hasChanged = true;
      const version = ++this.#version;
      if (change === 'delete') {
        this.entries.delete(entryName);
      } else {
        const { value, expiresAt } = change.put;
        this.entries.set(entryName, { value: Buffer.from(value, 'latin1'), version, expiresAt });
      }
    }
    this.showWatched();
    return { kind: 'reply', reply, hasChanged };
  }

  #read(operation: ReadOperation): Sight {
    const entry = this.#entry(operation);
    if (entry === undefined) return { kind: 'missing' };
    const { value, version, expiresAt } = entry;
    const size = value.length;
    const isGet = operation.op === 'get';
    return { kind: 'entry', version, expiresAt, size, value: isGet ? value : undefined };
  }

  #put(operation: PutOperation): Result {
    const standing = this.#entry(operation)?.version ?? 0;
    if (!conditionsHold(operation, standing)) {
      return { kind: 'condition-failed', version: standing };
    }
    const { ttlMs } = operation;
    const value = bytesOf(operation.value);
    const version = ++this.#version;
    const expiresAt = ttlMs === undefined ? undefined : this.nowMs + ttlMs;
    this.entries.set(nameOf(operation), { value, version, expiresAt });
    this.showWatched();
    const { durability } = this;
    const previousVersion = standing;
    return { kind: 'written', created: standing === 0, version, previousVersion, durability };
  }

  #delete(operation: DeleteOperation): Result {
    const standing = this.#entry(operation)?.version ?? 0;
    if (!conditionsHold(operation, standing)) {
      return { kind: 'condition-failed', version: standing };
    }
    if (standing === 0) return { kind: 'missing' };
    this.#version += 1;
    this.entries.delete(nameOf(operation));
    this.showWatched();
    return { kind: 'deleted', previousVersion: standing, durability: this.durability };
  }

  /** The entry as readers see it: an expired one does not exist. */
  #entry(name: EntryName): Entry | undefined {
    const entry = this.entries.get(nameOf(name));
    const expired = entry?.expiresAt !== undefined && entry.expiresAt <= this.nowMs;
    return expired ? undefined : entry;
  }

  #namespaces(): string[] {
    const names = new Set([...this.entries.keys()].map((name) => name.split('\n', 1)[0] ?? ''));
    return [...names].toSorted();
  }

  #keys(namespace: string): string[] {
    const start = `${namespace}\n`;
    return [...this.entries.keys()]
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length))
      .filter((key) => this.#entry({ namespace, key }) !== undefined)
      .toSorted((a, b) => (a < b ? -1 : 1));
  }

  #item({ namespace, includeValues }: ListQuery, key: string): ListItem {
    const entry = this.#entry({ namespace, key });
    if (entry === undefined) throw new Error('listed but not there');
    const { value, version, expiresAt } = entry;
    return {
      key,
      version,
      expiresAt,
      size: value.length,
      value: includeValues ? value : undefined,
    };
  }

  #shardStatus(): ShardStatus {
    const live = [...this.entries.entries()];
    return {
      shard: 0,
      state: this.#closed ? 'closed' : 'serving',
      reason: this.#closed ? 'The store is closed.' : undefined,
      entries: live.length,
      bytes: live.reduce((sum, [name, { value }]) => sum + name.length + value.length, 0),
      heapBytes: 0,
      heapBytesMax: Infinity,
      journalBytes: 0,
      snapshotBytes: 0,
      queueOperations: 0,
      queueBytes: 0,
      batchOperations: new Histogram(batchSizeBounds),
      syncSeconds: new Histogram(secondsBounds),
      epoch: 1,
      tornTails: 0,
      isDiskFull: false,
    };
  }
}

function isWithin(key: string, within: readonly KeyRange[] | undefined): boolean {
  return within === undefined || within.some(({ low, high }) => key >= low && key < high);
}

function isAskedFor(key: string, query: ListQuery): boolean {
  const { prefix, start, end, after, reverse, within } = query;
  if (!key.startsWith(prefix) || !isWithin(key, within)) return false;
  if (start !== undefined && key < start) return false;
  if (end !== undefined && key >= end) return false;
  if (after === undefined) return true;
  return reverse ? key < after : key > after;
}
