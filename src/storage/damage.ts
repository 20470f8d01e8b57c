// The errors for a file that is not valid, with the place of the damage. Knows no format.
import { StoreError } from '../base/errors.ts';

export interface FilePosition {
  /** Relative to the data folder. */
  readonly file: string;
  /** From 1. */
  readonly line?: number | undefined;
  /** In bytes. */
  readonly offset?: number | undefined;
  /** The seq that was expected there. */
  readonly seq?: number | undefined;
}

/** A file is not valid, and the program has changed nothing. */
export class DamageError extends StoreError {
  readonly place: FilePosition;
  /** What is wrong there, without the place. */
  readonly what: string;

  constructor(code: 'STORE_DAMAGED' | 'STORE_MISMATCH', place: FilePosition, what: string) {
    super(code, `${textOfPosition(place)}: ${what}; nothing has been changed`);
    this.place = place;
    this.what = what;
  }
}

export function textOfPosition({ file, line, offset, seq }: FilePosition): string {
  const parts = [file];
  if (line !== undefined) parts.push(`line ${line}`);
  if (offset !== undefined) parts.push(`offset ${offset}`);
  if (seq !== undefined) parts.push(`seq ${seq}`);
  return parts.join(', ');
}

export function damaged(place: FilePosition, what: string): DamageError {
  return new DamageError('STORE_DAMAGED', place, what);
}

/** A backup is no part of a store: nothing is to be repaired, and another copy of it may be whole. */
export function damagedBackup(place: FilePosition, what: string): StoreError {
  return new StoreError(
    'STORE_DAMAGED',
    `${textOfPosition(place)}: ${what}; this is not a whole backup`,
  );
}

export function unreadable(place: FilePosition, what: string): DamageError {
  return new DamageError(
    'STORE_MISMATCH',
    place,
    `${what}; it was written by another version of the program`,
  );
}
