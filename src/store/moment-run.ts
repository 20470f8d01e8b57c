// Runs operations in order over the entries of one moment. Each operation sees the changes of those
// before it. Yields one result an operation, and the changes to make at the end. This is pure
// computation: the store provides the one moment, and all or nothing (`Store.transact`).
import { bytesOf } from '../base/byte-string.ts';
import { unreachable } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import { int64Max, int64Min, parseInt64 } from '../commands/argument.ts';
import { conditionsHold } from './conditions.ts';
import { deadlineOf } from './deadline.ts';
import type { TransactionName } from './authorization.ts';
import { EntryOverlay } from './entry-overlay.ts';
import {
  textOfName,
  type Conditions,
  type EntryName,
  type Operation,
  type PutOperation,
} from './operation.ts';
import type {
  ConditionFailedResult,
  DeletedResult,
  EntryResult,
  ExpiresAt,
  MissingResult,
  WrittenResult,
} from './result.ts';
import type { EntryPut, TransactionMoment } from './transaction.ts';

/** Adds to a decimal 64-bit integer; a missing entry counts as 0. The deadline stays. */
export interface IncrementOperation extends EntryName {
  readonly op: 'increment';
  readonly by: bigint;
}

export type MomentOperation = Operation | IncrementOperation;

export interface IncrementedResult {
  readonly kind: 'incremented';
  readonly version: number;
  readonly expiresAt: ExpiresAt;
  /** The sum in decimal digits. */
  readonly value: Buffer;
}

/** The result of a write has no durability yet: the write happens only later. */
export type MomentResult =
  | EntryResult
  | MissingResult
  | Omit<WrittenResult, 'durability'>
  | Omit<DeletedResult, 'durability'>
  | IncrementedResult
  | ConditionFailedResult;

export interface MomentOutcome {
  /** One result an operation, in order. */
  readonly results: readonly MomentResult[];
  /** In the form of `PlannedChanges`. */
  readonly changes: readonly (EntryPut | 'delete' | undefined)[];
}

export interface MomentLimits {
  readonly valueBytesMax: number;
}

const missing: MissingResult = { kind: 'missing' };

/** No 64-bit integer has more characters, its sign among them. */
const integerBytesMax = 20;

/**
 * All distinct names, in the order of their first appearance.
 *
 * @param operations those among `all` that may change an entry
 */
export function namesOnce(
  all: Iterable<EntryName>,
  operations: readonly MomentOperation[],
): TransactionName[] {
  const changing = operations.filter(({ op }) => op !== 'get' && op !== 'head');
  const changed = new Set(changing.map(textOfName));
  const names = new Map<string, TransactionName>();
  for (const { namespace, key } of all) {
    const text = textOfName({ namespace, key });
    if (!names.has(text)) names.set(text, { namespace, key, isReadOnly: !changed.has(text) });
  }
  return [...names.values()];
}

/**
 * @param names those of the moment, in its order; they include every name in the operations
 * @throws StoreError if one operation cannot be carried out; the caller must then run none
 */
export function runAtMoment(
  names: readonly EntryName[],
  moment: TransactionMoment,
  operations: readonly MomentOperation[],
  limits: MomentLimits,
): MomentOutcome {
  const run = new MomentRun(names, moment, limits);
  const results = operations.map((operation, index) =>
    run.run(operation, () => `operations[${index}]`),
  );
  return { results, changes: run.changes() };
}

class MomentRun {
  readonly #overlay: EntryOverlay<EntryResult>;
  readonly #moment: TransactionMoment;
  readonly #limits: MomentLimits;

  constructor(names: readonly EntryName[], moment: TransactionMoment, limits: MomentLimits) {
    this.#overlay = new EntryOverlay(names.map(textOfName), moment.entries);
    this.#moment = moment;
    this.#limits = limits;
  }

  run(operation: MomentOperation, parameter: () => string): MomentResult {
    const index = this.#overlay.indexOf(textOfName(operation));
    const entry = this.#overlay.get(index);
    switch (operation.op) {
      case 'get':
        return entry ?? missing;
      case 'head':
        return entry === undefined ? missing : { ...entry, value: undefined };
      case 'put':
        return this.#put(index, entry, operation);
      case 'delete':
        return this.#delete(index, entry, operation);
      case 'increment':
        return this.#increment(index, entry, operation, parameter);
      default:
        return unreachable(operation);
    }
  }

  changes(): MomentOutcome['changes'] {
    return this.#overlay.changes(({ value, expiresAt }) => {
      if (value === undefined) throw new Error('an entry was put without its value');
      return { value, expiresAt };
    });
  }

  #put(index: number, entry: EntryResult | undefined, operation: PutOperation): MomentResult {
    const standing = entry?.version ?? 0;
    if (!conditionsHold(operation, standing)) return conditionFailed(standing);
    const { value, ttlMs } = operation;
    const version = this.#set(index, bytesOf(value), deadlineOf(this.#moment.now, ttlMs));
    return { kind: 'written', created: standing === 0, version, previousVersion: standing };
  }

  #delete(index: number, entry: EntryResult | undefined, conditions: Conditions): MomentResult {
    const standing = entry?.version ?? 0;
    if (!conditionsHold(conditions, standing)) return conditionFailed(standing);
    if (standing === 0) return missing;
    this.#overlay.set(index, undefined);
    return { kind: 'deleted', previousVersion: standing };
  }

  #increment(
    index: number,
    entry: EntryResult | undefined,
    { by }: IncrementOperation,
    parameter: () => string,
  ): MomentResult {
    const before = entry === undefined ? 0n : integerOf(entry.value);
    if (before === undefined) {
      throw notAnInteger(parameter(), 'The value that stands there is no decimal 64-bit integer.');
    }
    const sum = before + by;
    if (sum < int64Min || sum > int64Max) {
      throw notAnInteger(parameter(), `The sum of ${before} and ${by} is no 64-bit integer.`);
    }
    const value = Buffer.from(sum.toString(), 'latin1');
    const limit = this.#limits.valueBytesMax;
    if (value.length > limit) {
      const detail = `${parameter()}: A value may have at most ${limit} bytes.`;
      throw new StoreError('VALUE_TOO_LARGE', detail, { limit, parameter: parameter() });
    }
    const expiresAt = entry?.expiresAt;
    return { kind: 'incremented', version: this.#set(index, value, expiresAt), expiresAt, value };
  }

  /** @returns the version of the entry after this put */
  #set(index: number, value: Uint8Array, expiresAt: ExpiresAt): number {
    const version = this.#moment.versions[index] ?? 0;
    this.#overlay.set(index, { kind: 'entry', version, expiresAt, size: value.length, value });
    return version;
  }
}

function conditionFailed(version: number): ConditionFailedResult {
  return { kind: 'condition-failed', version };
}

function integerOf(value: Uint8Array | undefined): bigint | undefined {
  if (value === undefined || value.length > integerBytesMax) return undefined;
  return parseInt64(Buffer.from(value).toString('latin1'));
}

function notAnInteger(parameter: string, what: string): StoreError {
  return new StoreError('VALUE_NOT_AN_INTEGER', `${parameter}: ${what}`, { parameter });
}
