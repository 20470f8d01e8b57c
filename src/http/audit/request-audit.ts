// The records that one request leaves in the audit log. Knows who has asked, and turns operations,
// results and transactions into records. Keys leave as text. Has no way to a value.
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditRecord } from '../../audit/audit-record.ts';
import type { Audit } from '../../access/namespace-settings.ts';
import { textOfByteString } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import { isOfClient } from '../../locks/client-entry.ts';
import type { TransactionName } from '../../store/authorization.ts';
import {
  isWrite,
  type CommandOperation,
  type EntryName,
  type Operation,
} from '../../store/operation.ts';
import type { ReplyResult, Result } from '../../store/result.ts';
import type { PlannedChanges, TransactionMoment } from '../../store/transaction.ts';
import { isDenial, outcomeOfError, outcomeOfResult, type RecordedOutcome } from './outcomes.ts';

/** The members that all records of a request share. */
export type RecordedCaller = Pick<
  AuditRecord,
  'requestId' | 'user' | 'token' | 'tokenId' | 'namespace'
>;

/** `admin` is recorded whatever the setting of the namespace. */
export type AuditedAccess = 'read' | 'write' | 'admin';

/** A command that is carried out by other means than one operation. */
export interface AuditedCommand {
  readonly command: {
    readonly name: string;
    readonly access: 'read' | 'write';
    /** The action in the record; absent: the name in upper case. */
    readonly action?: string;
  };
  /** Absent for a command about all keys. */
  readonly keys?: readonly string[];
}

/** A transaction as it was planned last. */
export interface PlannedTransaction {
  readonly moment: TransactionMoment;
  readonly planned: PlannedChanges<unknown>;
}

/** A denial passes several places that may record it, and leaves one record. */
const recorded = new WeakSet<StoreError>();

/** The members of a record that tell its keys. */
function keysOf(keys: readonly string[]): Pick<AuditRecord, 'key' | 'keys'> {
  const [first] = keys;
  if (first === undefined) return {};
  if (keys.length === 1) return { key: textOfByteString(first) };
  return { keys: keys.map(textOfByteString) };
}

const readInTransaction = { action: 'get', outcome: 'read' } as const;
const notChanged = { action: 'transaction', outcome: 'not-applied' } as const;

/** @returns undefined if the entry stays as it is */
function actionOfChange(
  change: PlannedChanges<unknown>['changes'][number],
  oldVersion: number,
  newVersion: number | undefined,
): Pick<AuditRecord, 'action' | 'newVersion' | 'outcome'> | undefined {
  if (change === undefined) return undefined;
  if (change !== 'delete') return { action: 'put', newVersion, outcome: 'applied' };
  if (oldVersion === 0) return undefined;
  return { action: 'delete', newVersion: 0, outcome: 'applied' };
}

export class RequestAudit {
  readonly #log: AuditLog;
  readonly #caller: RecordedCaller;
  readonly #level: Audit;
  readonly #commands: readonly AuditedCommand[] | undefined;
  /** Listings that were recorded: one that goes page by page leaves one record. */
  readonly #listed = new Set<string>();
  /** Errors of commands that were recorded: one that is tried again leaves one record of each. */
  readonly #failed = new Set<string>();

  constructor(
    log: AuditLog,
    caller: RecordedCaller,
    level: Audit,
    commands?: readonly AuditedCommand[],
  ) {
    this.#log = log;
    this.#caller = caller;
    this.#level = level;
    this.#commands = commands;
  }

  /** The records of the same request for all that is done for these commands. */
  forCommands(commands: readonly AuditedCommand[]): RequestAudit {
    return new RequestAudit(this.#log, this.#caller, this.#level, commands);
  }

  /** The error for an action that would leave a record; undefined if the record finds room. */
  refusalOf(access: AuditedAccess): StoreError | undefined {
    return this.#records(access) ? this.#log.refusal() : undefined;
  }

  noteOperation(operation: Operation, result: Result): void {
    this.#note(operation.op, operation, result);
  }

  /** An operation that stands for a command of Redis. */
  noteCommand(operation: Operation | CommandOperation, result: Result | ReplyResult): void {
    this.#note(nameOfCommand(operation), operation, result);
  }

  /** Reads of several entries at one moment. */
  noteReads(names: readonly EntryName[], results: readonly Result[]): void {
    if (this.#commands !== undefined) {
      const failed = results.find(({ kind }) => kind === 'refused');
      this.#noteCommands(failed ? outcomeOfResult(failed, false) : { outcome: 'read' });
      return;
    }
    const isRecorded = this.#records('read');
    for (const [index, { key }] of names.entries()) {
      const result = results[index];
      if (result === undefined || (!isRecorded && result.kind !== 'refused')) continue;
      this.#add('read', { action: 'get', ...keysOf([key]), ...outcomeOfResult(result, false) });
    }
  }

  /** A page of a listing, or a count. @param prefix a byte string */
  noteListing(action: 'list' | 'count', prefix = ''): void {
    const text = `${this.#commands === undefined ? action : 'command'} ${prefix}`;
    if (this.#listed.has(text)) return;
    this.#listed.add(text);
    const outcome = { outcome: 'read' } as const;
    if (this.#commands !== undefined) {
      this.#noteCommands(outcome);
      return;
    }
    const about = prefix === '' ? {} : { prefix: textOfByteString(prefix) };
    this.#add('read', { action, ...about, ...outcome });
  }

  /** @param namespace undefined: the whole store */
  noteBackup(namespace: string | undefined): void {
    this.#add('admin', { action: 'backup', namespace: namespace ?? '*', outcome: 'read' });
  }

  noteTransaction(
    names: readonly TransactionName[],
    { moment, planned: { changes, flush = [] } }: PlannedTransaction,
  ): void {
    if (flush.length > 0) this.#noteFlush({ outcome: 'applied' });
    if (this.#commands !== undefined) {
      if (flush.length > 0) return;
      const isChange = names.some((name, at) => {
        const oldVersion = moment.entries[at]?.version ?? 0;
        return isOfClient(name) && actionOfChange(changes[at], oldVersion, 0) !== undefined;
      });
      this.#noteCommands({ outcome: isChange ? 'applied' : 'not-applied' });
      return;
    }
    if (this.#level === 'off') return;
    for (const [index, name] of names.entries()) {
      if (!isOfClient(name)) continue;
      const oldVersion = moment.entries[index]?.version ?? 0;
      const done = actionOfChange(changes[index], oldVersion, moment.versions[index]);
      const unchanged = name.isReadOnly === true ? readInTransaction : notChanged;
      const access = name.isReadOnly === true ? 'read' : 'write';
      this.#add(access, { ...keysOf([name.key]), oldVersion, ...(done ?? unchanged) });
    }
  }

  /** @param error as it was thrown, or with which the store has refused */
  noteFailedTransaction(names: readonly TransactionName[], error: unknown, isFlush: boolean): void {
    const outcome = outcomeOfError(error);
    if (!this.#isNew(error)) return;
    if (isFlush) this.#noteFlush(outcome);
    else if (this.#commands !== undefined) this.#noteFailedCommands(outcome);
    else {
      const keys = names.filter(isOfClient).map(({ key }) => key);
      this.#add('write', { action: 'transaction', ...keysOf(keys), ...outcome });
    }
  }

  /** An action that the caller may not do was refused before it came to the store. */
  readonly noteDenied = (
    error: StoreError,
    access: AuditedAccess,
    names: readonly EntryName[],
    namespace: string | undefined,
  ): void => {
    if (!isDenial(error) || !this.#isNew(error)) return;
    const outcome = outcomeOfError(error);
    if (this.#commands !== undefined) {
      this.#noteCommands(outcome);
      return;
    }
    const keys = names.filter(isOfClient).map(({ key }) => key);
    this.#add(access, { namespace, action: access, ...keysOf(keys), ...outcome });
  };

  #note(
    action: string,
    operation: Operation | CommandOperation,
    result: Result | ReplyResult,
  ): void {
    const isChange = isWrite(operation);
    const access = isChange ? 'write' : 'read';
    if (!this.#records(access) && result.kind !== 'refused') return;
    if (result.kind === 'refused' && !this.#isNew(result.error)) return;
    const keys = operation.op === 'command' ? operation.keys : [operation.key];
    this.#add(access, { action, ...keysOf(keys), ...outcomeOfResult(result, isChange) });
  }

  #noteFlush(outcome: RecordedOutcome): void {
    if (this.#commands === undefined) this.#add('admin', { action: 'flush', ...outcome });
    else this.#noteCommands(outcome, true);
  }

  #noteFailedCommands(outcome: RecordedOutcome): void {
    const { error = '' } = outcome;
    if (this.#failed.has(error)) return;
    this.#failed.add(error);
    this.#noteCommands(outcome);
  }

  #noteCommands(outcome: RecordedOutcome, isFlush = false): void {
    for (const { command, keys = [] } of this.#commands ?? []) {
      const { name, access, action = name.toUpperCase() } = command;
      const isRead = access === 'read' && outcome.outcome !== 'denied';
      const own = isRead && outcome.error === undefined ? { outcome: 'read' as const } : outcome;
      const about = { action, ...keysOf(keys) };
      this.#add(isFlush ? 'admin' : access, { ...about, ...own });
    }
  }

  /** A refusal of the log itself leaves no record: there is no room for one. */
  #add(
    access: AuditedAccess,
    record: Omit<AuditRecord, 'requestId' | 'user' | 'token' | 'tokenId'>,
  ): void {
    const { outcome, error } = record;
    if (error === 'AUDIT_FULL') return;
    if (outcome === 'denied' || this.#records(access)) {
      this.#log.add({ ...this.#caller, ...record });
    }
  }

  #records(access: AuditedAccess): boolean {
    if (access === 'admin') return true;
    return access === 'write' ? this.#level !== 'off' : this.#level === 'all';
  }

  #isNew(error: unknown): boolean {
    if (!(error instanceof StoreError) || !isDenial(error)) return true;
    if (recorded.has(error)) return false;
    recorded.add(error);
    return true;
  }
}

function nameOfCommand(operation: Operation | CommandOperation): string {
  if (operation.op === 'command') return operation.name.toUpperCase();
  return operation.op === 'put' ? 'SET' : operation.op.toUpperCase();
}
