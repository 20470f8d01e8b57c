// Carries out the operations of one batch against a staging, within the limits of disk and memory.
// Makes nothing durable and nothing visible. Knows no file.
import { assert, unreachable } from '../../base/assert.ts';
import { byteStringOf } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import {
  defaultCommandLimits,
  type CommandChange,
  type CommandLimits,
} from '../../commands/command.ts';
import { commandTable } from '../../commands/command-table.ts';
import { replyBytesOf } from '../../commands/reply-bytes.ts';
import { runKeyed } from '../../commands/run-command.ts';
import { commandReplyBytesMax, replyBytesMax, sweepStepMax } from '../../base/limits.ts';
import {
  isOutcome,
  type BatchRequest,
  type ChangeOperation,
  type CountOperation,
  type EntryChange,
  type MeasureOperation,
  type OutcomeOperation,
  type PrepareOperation,
  type ShardAnswer,
  type ShardChanges,
  type ShardOperation,
  type SweepOperation,
} from '../../protocol/shard-operation.ts';
import { conditionsHold } from '../../store/conditions.ts';
import { deadlineOf } from '../../store/deadline.ts';
import type {
  CommandOperation,
  DeleteOperation,
  EntryName,
  PutOperation,
} from '../../store/operation.ts';
import type { ExpiresAt } from '../../store/result.ts';
import type { EntryTable } from '../table/entry-table.ts';
import { listPage } from '../table/list-page.ts';
import { BatchQuota, tooLittleToWork, type BatchLimits, type SizedEntry } from './batch-quota.ts';
import type { PreparedTransactions, PreparedChange } from './prepared-transactions.ts';
import { Staging } from './staging.ts';

const missing: ShardAnswer = { kind: 'missing' };
const done: ShardAnswer = { kind: 'done' };
const stale: ShardAnswer = { kind: 'stale' };

const replyTooLarge: ShardAnswer = {
  kind: 'refused',
  error: new StoreError(
    'REPLY_TOO_LARGE',
    `The values of one reply may have ${commandReplyBytesMax} bytes in sum.`,
    { limit: commandReplyBytesMax },
  ),
};

function sizeOf(answer: ShardAnswer): number {
  if (answer.kind === 'reply') return replyBytesOf(answer.reply);
  if (answer.kind === 'entry') return answer.value?.length ?? 0;
  if (answer.kind !== 'page') return 0;
  return answer.items.reduce((sum, item) => sum + item.key.length + (item.value?.length ?? 0), 0);
}

function preparedChangeOf({ namespace, key, put }: EntryChange): PreparedChange {
  if (put === undefined) return { namespace, key, put };
  return { namespace, key, put: { ...put, value: byteStringOf(put.value) } };
}

export interface BatchRunOptions extends BatchLimits {
  /** The batch's timestamp. */
  readonly now: number;
  /** The seq that the first change takes. */
  readonly firstSeq: number;
  /**
   * False if the disk has no room even for an outcome record. The run then ends before the first
   * outcome that needs one.
   */
  readonly mayResolve: boolean;
}

export class BatchRun {
  readonly staging: Staging;
  readonly quota: BatchQuota;
  readonly answers: ShardAnswer[] = [];
  readonly #table: EntryTable;
  readonly #transactions: PreparedTransactions;
  readonly #now: number;
  readonly #options: BatchRunOptions;
  #isStuck = false;
  #commandLimits = defaultCommandLimits;

  constructor(table: EntryTable, transactions: PreparedTransactions, options: BatchRunOptions) {
    this.#table = table;
    this.#transactions = transactions;
    this.#now = options.now;
    this.#options = options;
    this.staging = new Staging(table, transactions, options.now, options.firstSeq);
    this.quota = new BatchQuota(table, transactions, this.staging, options);
  }

  /** True if the run ended before an outcome that the disk has no room to record. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /**
   * Runs operations in order, as many as fit into one reply and one journal line. Runs at least
   * one, unless the run is stuck.
   */
  run(operations: BatchRequest['operations']): void {
    let bytes = 0;
    for (const operation of operations) {
      this.#isStuck = isOutcome(operation) && !this.#mayResolve(operation);
      if (this.#isStuck) return;
      const answer = this.#run(operation);
      // The operation may fit into a batch of its own.
      if (answer === tooLittleToWork && this.staging.records.length > 0) return;
      this.answers.push(answer);
      bytes += sizeOf(answer);
      if (bytes >= replyBytesMax || this.quota.isSpent) return;
    }
  }

  #run(operation: ShardOperation): ShardAnswer {
    switch (operation.op) {
      case 'get':
        return this.#get(operation, this.#now);
      case 'head':
        return this.#head(operation);
      case 'getAt':
        return this.#get(operation, operation.now);
      case 'put':
        return this.#put(operation);
      case 'delete':
        return this.#delete(operation);
      case 'command':
        return this.#command(operation);
      case 'change':
        return this.#change(operation);
      case 'prepare':
        return this.#prepare(operation);
      case 'commit':
      case 'abort':
        return this.#resolve(operation);
      case 'forget':
        this.#transactions.forget(operation.transaction);
        return done;
      case 'list':
        return listPage(this.#table, operation.query, operation.now);
      case 'count':
        return { kind: 'count', count: this.#count(operation) };
      case 'measure':
        return this.#measure(operation);
      case 'sweep':
        return this.#sweep(operation);
      case 'mark':
        return done; // Shard writes the mark after the batch.
      default:
        return unreachable(operation);
    }
  }

  #get({ namespace, key }: EntryName, now: number): ShardAnswer {
    const entry = this.staging.get(namespace, key, now);
    if (entry === undefined) return missing;
    const { version, expiresAt, value } = entry;
    return { kind: 'entry', version, expiresAt, size: value.length, value };
  }

  #head({ namespace, key }: EntryName): ShardAnswer {
    const head = this.staging.head(namespace, key);
    if (head === undefined) return missing;
    const { version, expiresAt, size } = head;
    return { kind: 'entry', version, expiresAt, size, value: undefined };
  }

  /** Makes all changes of the command, or none if one of them does not fit. */
  #command({ namespace, name, args, keys, valueBytesMax }: CommandOperation): ShardAnswer {
    const command = commandTable.get(name);
    assert(command?.kind === 'keyed', 'a shard carries out commands on keys');
    const entries = keys.map((key) => this.staging.get(namespace, key));
    const limits = this.#limitsWith(valueBytesMax);
    const { reply, changes } = runKeyed(command, { args, keys, entries, now: this.#now, limits });
    if (replyBytesOf(reply) > commandReplyBytesMax) return replyTooLarge;
    const refusal =
      keys.length === 1
        ? this.#refusalOfOne(namespace, keys[0] ?? '', changes[0])
        : this.#refusalOfSome(namespace, keys, changes);
    if (refusal !== undefined) return refusal;
    let hasChanged = false;
    // In this order, because a key may come twice.
    for (let at = 0; at < changes.length; at++) {
      const change = changes[at];
      const key = keys[at] ?? '';
      if (change === undefined) continue;
      if (change === 'delete' && this.staging.head(namespace, key) === undefined) continue;
      if (change === 'delete') this.staging.delete(namespace, key);
      else this.#stage(namespace, key, change.put.value, change.put.expiresAt);
      hasChanged = true;
    }
    return { kind: 'reply', reply, hasChanged };
  }

  /** The limits of commands, whose values have the same bound as a rule. */
  #limitsWith(valueBytesMax: number): CommandLimits {
    if (this.#commandLimits.valueBytesMax !== valueBytesMax) {
      this.#commandLimits = { ...defaultCommandLimits, valueBytesMax };
    }
    return this.#commandLimits;
  }

  #refusalOfOne(
    namespace: string,
    key: string,
    change: CommandChange | undefined,
  ): ShardAnswer | undefined {
    if (change === undefined) return undefined;
    if (change === 'delete') return this.quota.refusalOfDelete();
    const { value, expiresAt } = change.put;
    const old = this.staging.head(namespace, key);
    return this.quota.refusalOfPut({ namespace, key, value, expiresAt }, old);
  }

  #refusalOfSome(
    namespace: string,
    keys: readonly string[],
    changes: readonly (CommandChange | undefined)[],
  ): ShardAnswer | undefined {
    const puts: SizedEntry[] = [];
    let deletes = false;
    for (const [index, change] of changes.entries()) {
      if (change === undefined) continue;
      if (change === 'delete') {
        deletes = true;
        continue;
      }
      const { value, expiresAt } = change.put;
      puts.push({ namespace, key: keys[index] ?? '', value, expiresAt });
    }
    return this.#refusalOf(puts, deletes);
  }

  #put(operation: PutOperation): ShardAnswer {
    const { namespace, key, value, ttlMs } = operation;
    const old = this.staging.head(namespace, key);
    const version = old?.version ?? 0;
    if (!conditionsHold(operation, version)) return { kind: 'condition-failed', version };
    const expiresAt = deadlineOf(this.#now, ttlMs);
    const refusal = this.quota.refusalOfPut({ namespace, key, value, expiresAt }, old);
    if (refusal !== undefined) return refusal;
    const bytes = byteStringOf(value);
    return {
      kind: 'written',
      version: this.#stage(namespace, key, bytes, expiresAt),
      previousVersion: version,
    };
  }

  /** Stages a put, counts the bytes of its record, and returns the entry's version. */
  #stage(
    namespace: string,
    key: string,
    value: string,
    expiresAt: ExpiresAt,
    version?: number,
  ): number {
    const given = this.staging.put(namespace, key, value, expiresAt, version);
    this.quota.countPut();
    return given;
  }

  /** Makes all changes or none. */
  #change(operation: ChangeOperation): ShardAnswer {
    const refusal = this.#refusalOfChanges(operation);
    if (refusal !== undefined) return refusal;
    const { changes, flush = [], version, synced } = operation;
    if (synced) this.staging.requireSync();
    for (const namespace of flush) this.staging.flush(namespace);
    for (const { namespace, key, put } of changes) {
      if (put !== undefined) {
        this.#stage(namespace, key, byteStringOf(put.value), put.expiresAt, version);
      } else {
        // Record it even if there is no entry: the record uses up the version that the plan knows.
        this.staging.delete(namespace, key);
      }
    }
    return done;
  }

  #prepare(operation: PrepareOperation): ShardAnswer {
    const refusal = this.#refusalOfChanges(operation);
    if (refusal !== undefined) return refusal;
    const { transaction, participants, version, flush = [] } = operation;
    const changes = operation.changes.map(preparedChangeOf);
    this.staging.prepare({ transaction, participants, version, flush, changes });
    const puts = changes.filter(({ put }) => put !== undefined).length;
    this.quota.countPrepare(puts);
    return done;
  }

  #refusalOfChanges({
    changes,
    flush = [],
    version,
    validUntil,
  }: ShardChanges): ShardAnswer | undefined {
    // After a failed sync the shard reuses seqs that it had announced. Refuse a plan based on one.
    const isVersionGiven = version <= this.#options.firstSeq + this.staging.records.length;
    if (this.#now >= validUntil || !isVersionGiven) return stale;
    const puts = changes.flatMap(({ namespace, key, put }) =>
      put ? [{ namespace, key, value: put.value, expiresAt: put.expiresAt }] : [],
    );
    const deletes = flush.length > 0 || puts.length < changes.length;
    return this.#refusalOf(puts, deletes);
  }

  #refusalOf(puts: readonly SizedEntry[], deletes: boolean): ShardAnswer | undefined {
    return (deletes ? this.quota.refusalOfDelete() : undefined) ?? this.quota.refusalOfPuts(puts);
  }

  #resolve({ op, transaction }: OutcomeOperation): ShardAnswer {
    const prepared = this.#transactions.get(transaction);
    if (prepared !== undefined) this.staging.resolve(prepared, op === 'commit');
    return done;
  }

  #mayResolve({ transaction }: OutcomeOperation): boolean {
    return this.#options.mayResolve || this.#transactions.get(transaction) === undefined;
  }

  #delete(operation: DeleteOperation): ShardAnswer {
    const { namespace, key } = operation;
    const version = this.staging.head(namespace, key)?.version ?? 0;
    if (!conditionsHold(operation, version)) return { kind: 'condition-failed', version };
    if (version === 0) return missing;
    const refusal = this.quota.refusalOfDelete();
    if (refusal !== undefined) return refusal;
    this.staging.delete(namespace, key);
    return { kind: 'deleted', previousVersion: version };
  }

  /** Subtracts the expired entries one by one: the sweep keeps them few. */
  #count({ namespace, within, now }: CountOperation): number {
    const isAskedFor = (key: string): boolean =>
      within === undefined || within.some(({ low, high }) => key >= low && key < high);
    let count =
      within === undefined
        ? this.#table.count(namespace)
        : within.reduce((sum, range) => sum + this.#table.countIn(namespace, range), 0);
    for (const key of this.#table.dueIn(namespace, now)) if (isAskedFor(key)) count -= 1;
    return count;
  }

  #measure({ namespaces = this.#table.namespaces() }: MeasureOperation): ShardAnswer {
    const table = this.#table;
    return { kind: 'figures', figures: namespaces.map((name) => table.figuresOf(name)) };
  }

  #sweep({ now, namespace }: SweepOperation): ShardAnswer {
    const refusal = this.quota.refusalOfDelete();
    if (refusal !== undefined) return refusal;
    const due: EntryName[] = [];
    for (const name of this.#due(namespace, now)) {
      if (due.length === sweepStepMax) break;
      due.push(name);
    }
    for (const name of due) this.staging.delete(name.namespace, name.key);
    return { kind: 'count', count: due.length };
  }

  *#due(namespace: string | undefined, now: number): Generator<EntryName, void, void> {
    if (namespace === undefined) yield* this.#table.dueBy(now);
    else for (const key of this.#table.dueIn(namespace, now)) yield { namespace, key };
  }
}
