// The errors for a file that is not valid, with the position of the damage. Knows no format.
import { StoreError } from '../base/errors.ts';

export interface FilePosition {
  /** Relative to the data folder. */
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number | undefined;
  /** In bytes. */
  readonly offset?: number | undefined;
  /** The seq that the reader expected there. */
  readonly seq?: number | undefined;
}

/** A file is not valid. The program refuses to go on and has changed no file. */
export class DamageError extends StoreError {
  readonly position: FilePosition;
  /** The reason, without the position. */
  readonly what: string;

  constructor(code: 'STORE_DAMAGED' | 'STORE_MISMATCH', position: FilePosition, what: string) {
    super(code, `${textOfPosition(position)}: ${what}; nothing has been changed`);
    this.position = position;
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

export function damaged(position: FilePosition, what: string): DamageError {
  return new DamageError('STORE_DAMAGED', position, what);
}

/** Damage to a backup has its own hint: no store needs repair, and another copy may be whole. */
export function damagedBackup(position: FilePosition, what: string): StoreError {
  return new StoreError(
    'STORE_DAMAGED',
    `${textOfPosition(position)}: ${what}; this is not a whole backup`,
  );
}

export function unreadable(position: FilePosition, what: string): DamageError {
  return new DamageError(
    'STORE_MISMATCH',
    position,
    `${what}; it was written by another version of the program`,
  );
}
