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

export function damaged(place: Place, what: string): StoreError {
  const parts = [place.file];
  if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`);
  if (place.seq !== undefined) parts.push(`seq ${place.seq}`);
  return new StoreError(
    'STORE_DAMAGED',
    `${parts.join(', ')}: ${what}; nothing has been changed. Restore this file from a copy of the ` +
      'data folder, or move the whole folder away to begin anew.',
  );
}

export function unreadable(place: Place, what: string): StoreError {
  return new StoreError(
    'STORE_MISMATCH',
    `${place.file}: ${what}; it was written by another version of the program. Nothing has been changed.`,
  );
}
