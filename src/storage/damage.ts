// One way to say that a file is not what it must be.
import { StoreError } from '../base/errors.ts';

export interface Place {
  /** Relative to the data folder. */
  readonly file: string;
  /** From 1. */
  readonly line?: number | undefined;
  /** In bytes. */
  readonly offset?: number | undefined;
  /** The seq that was expected there. */
  readonly seq?: number | undefined;
}

function textOf(place: Place): string {
  const parts = [place.file];
  if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`);
  if (place.seq !== undefined) parts.push(`seq ${place.seq}`);
  return parts.join(', ');
}

export function damaged(place: Place, what: string): StoreError {
  return new StoreError(
    'STORE_DAMAGED',
    `${textOf(place)}: ${what}; nothing has been changed. Restore this file from a copy of the ` +
      'data folder, or move the whole folder away to begin anew.',
  );
}

/** A backup is no part of a store: nothing is to be repaired, and another copy of it may be whole. */
export function damagedBackup(place: Place, what: string): StoreError {
  return new StoreError('STORE_DAMAGED', `${textOf(place)}: ${what}; this is not a whole backup`);
}

export function unreadable(place: Place, what: string): StoreError {
  return new StoreError(
    'STORE_MISMATCH',
    `${place.file}: ${what}; it was written by another version of the program. Nothing has been changed.`,
  );
}
