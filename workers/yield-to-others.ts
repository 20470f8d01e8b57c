// Lets a thread that works in the background give way to those that answer somebody.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

const niceness = 10;

/** On Linux a thread has a priority of its own; elsewhere it runs at the common one. */
export function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
  } catch {
    // Slower requests while it runs are all that is lost.
  }
}
