// The interface to the folder of the audit log. A test can implement it, and so fill the disk. Knows no
// file name and no record. All calls reject with Node's system errors (`code` ENOSPC, EIO ...).

export interface AuditFolder {
  /** The names in the folder; none if it does not exist. */
  list(): Promise<readonly string[]>;
  /** Opens a file for appending. Makes the folder and the file if they are missing, durably. */
  open(name: string): Promise<AuditFile>;
  remove(name: string): Promise<void>;
}

export interface AuditFile {
  /** Bytes that the file had when it was opened. */
  readonly bytes: number;
  /** True if it was empty, or ended behind a line, when it was opened. */
  readonly endsLine: boolean;
  /**
   * Writes at the end. May write less than all bytes: the next try then rejects with the reason.
   *
   * @returns the number of bytes written
   */
  append(bytes: Uint8Array): Promise<number>;
  /** Content and length are on stable storage once it has resolved. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
