// Lets a background thread give way to the threads that answer requests.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

const niceness = 10;

/** On Linux a thread has a priority of its own; elsewhere it runs at the common one. */
export function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
  } catch {
    // Without the lower priority, requests are only slower while the thread works.
  }
}
