// Runs operations in order over the entries of one moment. Each operation sees the changes of those
// before it. Yields one result an operation, and the changes to make at the end. This is pure
// computation: the store provides the one moment, and all or nothing (`Store.transact`).
import { unreachable } from '../../../base/assert.ts';
import { StoreError } from '../../../base/errors.ts';
import { int64Max, int64Min, parseInt64 } from '../../../commands/argument.ts';
import { conditionsHold } from '../../../store/conditions.ts';
import {
  textOfName,
  type DeleteOperation,
  type EntryName,
  type Operation,
  type PutOperation,
} from '../../../store/operation.ts';
import type {
  ConditionFailedResult,
  DeletedResult,
  EntryResult,
  ExpiresAt,
  MissingResult,
  WrittenResult,
} from '../../../store/result.ts';
import type { EntryPut, TransactionMoment } from '../../../store/transaction.ts';

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
const deleted = { kind: 'deleted' } as const;

/** No 64-bit integer has more characters, its sign among them. */
const integerBytesMax = 20;

/** The present entry of each name: the operations' changes over the entries of the moment. */
class Overlay {
  readonly #moment: TransactionMoment;
  readonly #places = new Map<string, number>();
  readonly #entries: (EntryResult | undefined)[];
  readonly changes: (EntryPut | 'delete' | undefined)[];

  constructor(names: readonly EntryName[], moment: TransactionMoment) {
    this.#moment = moment;
    for (const [place, name] of names.entries()) this.#places.set(textOfName(name), place);
    this.#entries = [...moment.entries];
    this.changes = names.map(() => undefined);
  }

  get now(): number {
    return this.#moment.now;
  }

  get(name: EntryName): EntryResult | undefined {
    return this.#entries[this.#placeOf(name)];
  }

  /** @returns the version of the entry after this put */
  put(name: EntryName, value: Uint8Array, expiresAt: ExpiresAt): number {
    const place = this.#placeOf(name);
    const version = this.#moment.versions[place] ?? 0;
    this.#entries[place] = { kind: 'entry', version, expiresAt, size: value.length, value };
    this.changes[place] = { value, expiresAt };
    return version;
  }

  delete(name: EntryName): void {
    const place = this.#placeOf(name);
    this.#entries[place] = undefined;
    this.changes[place] = 'delete';
  }

  #placeOf(name: EntryName): number {
    const place = this.#places.get(textOfName(name));
    if (place === undefined) throw new Error('an operation is about an entry that was not read');
    return place;
  }
}

/** All distinct names, in the order of their first appearance. */
export function namesOnce(all: Iterable<EntryName>): EntryName[] {
  const names = new Map<string, EntryName>();
  for (const { namespace, key } of all) {
    const name = { namespace, key };
    if (!names.has(textOfName(name))) names.set(textOfName(name), name);
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
  const overlay = new Overlay(names, moment);
  const results = operations.map((operation, index) =>
    runOne(overlay, operation, () => `operations[${index}]`, limits),
  );
  return { results, changes: overlay.changes };
}

function runOne(
  overlay: Overlay,
  operation: MomentOperation,
  place: () => string,
  limits: MomentLimits,
): MomentResult {
  switch (operation.op) {
    case 'get':
      return overlay.get(operation) ?? missing;
    case 'head': {
      const entry = overlay.get(operation);
      return entry === undefined ? missing : { ...entry, value: undefined };
    }
    case 'put':
      return put(overlay, operation);
    case 'delete':
      return remove(overlay, operation);
    case 'increment':
      return increment(overlay, operation, place, limits);
    default:
      return unreachable(operation);
  }
}

function put(overlay: Overlay, operation: PutOperation): MomentResult {
  const standing = overlay.get(operation)?.version ?? 0;
  if (!conditionsHold(operation, standing)) return { kind: 'condition-failed', version: standing };
  const { value, ttlMs } = operation;
  const version = overlay.put(operation, value, deadlineOf(overlay.now, ttlMs));
  return { kind: 'written', created: standing === 0, version };
}

/** Caps the deadline: a front end whose clock is behind the store's may let too much through. */
function deadlineOf(now: number, ttlMs: number | undefined): ExpiresAt {
  return ttlMs === undefined ? undefined : Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER);
}

function remove(overlay: Overlay, operation: DeleteOperation): MomentResult {
  const standing = overlay.get(operation)?.version ?? 0;
  if (!conditionsHold(operation, standing)) return { kind: 'condition-failed', version: standing };
  if (standing === 0) return missing;
  overlay.delete(operation);
  return deleted;
}

function increment(
  overlay: Overlay,
  operation: IncrementOperation,
  place: () => string,
  { valueBytesMax }: MomentLimits,
): MomentResult {
  const entry = overlay.get(operation);
  const before = entry === undefined ? 0n : integerOf(entry.value);
  if (before === undefined) {
    throw notAnInteger(place(), 'The value that stands there is no decimal 64-bit integer.');
  }
  const sum = before + operation.by;
  if (sum < int64Min || sum > int64Max) {
    throw notAnInteger(place(), `The sum of ${before} and ${operation.by} is no 64-bit integer.`);
  }
  const value = Buffer.from(sum.toString(), 'latin1');
  if (value.length > valueBytesMax) {
    const detail = `${place()}: A value may have at most ${valueBytesMax} bytes.`;
    throw new StoreError('VALUE_TOO_LARGE', detail, { limit: valueBytesMax, parameter: place() });
  }
  const expiresAt = entry?.expiresAt;
  const version = overlay.put(operation, value, expiresAt);
  return { kind: 'incremented', version, expiresAt, value };
}

function integerOf(value: Uint8Array | undefined): bigint | undefined {
  if (value === undefined || value.length > integerBytesMax) return undefined;
  return parseInt64(Buffer.from(value).toString('latin1'));
}

function notAnInteger(place: string, what: string): StoreError {
  return new StoreError('VALUE_NOT_AN_INTEGER', `${place}: ${what}`, { parameter: place });
}
