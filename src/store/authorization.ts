// Asks whether a caller may carry out an operation. The store asks in the turn in which the
// operation gets its place in a queue: a caller that waited may have lost its rights. Knows no caller.
import type { StoreError } from '../base/errors.ts';
import {
  isWrite,
  namesOf,
  type CommandOperation,
  type EntryName,
  type Operation,
} from './operation.ts';

/** The rights of one caller. Both methods are called often, and must be cheap. */
export interface Authorization {
  /** The error that refuses a read of this entry; undefined if the caller may read it. */
  refusalOfRead(name: EntryName): StoreError | undefined;
  /** The error that refuses a change of this entry; undefined if the caller may make it. */
  refusalOfWrite(name: EntryName): StoreError | undefined;
}

/** An entry that a transaction names. */
export interface TransactionName extends EntryName {
  /** True if the transaction only reads the entry. */
  readonly isReadOnly?: boolean;
}

function refusalOfCommand(
  operation: CommandOperation,
  authorization: Authorization,
): StoreError | undefined {
  const isRead = operation.access === 'read';
  for (const name of namesOf(operation)) {
    const isReadOnly = isRead || operation.keysOnlyRead?.includes(name.key) === true;
    const refusal = isReadOnly
      ? authorization.refusalOfRead(name)
      : authorization.refusalOfWrite(name);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** @returns the error that refuses the operation; undefined if the caller may carry it out */
export function refusalOf(
  operation: Operation | CommandOperation,
  authorization: Authorization | undefined,
): StoreError | undefined {
  if (authorization === undefined) return undefined;
  if (operation.op === 'command') return refusalOfCommand(operation, authorization);
  if (isWrite(operation)) return authorization.refusalOfWrite(operation);
  return authorization.refusalOfRead(operation);
}

/** @returns the error that refuses the first of these that the caller may not read or change */
export function refusalOfNames(
  names: readonly TransactionName[],
  authorization: Authorization | undefined,
): StoreError | undefined {
  if (authorization === undefined) return undefined;
  for (const name of names) {
    const refusal =
      name.isReadOnly === true
        ? authorization.refusalOfRead(name)
        : authorization.refusalOfWrite(name);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
