// Checks the machine for the needs of a staged fault. A test that lacks something is skipped with
// the reason printed, and never passes.
import { spawnSync } from 'node:child_process';

export type Need =
  | 'root'
  | 'strace'
  | 'prlimit'
  | 'eatmydata'
  | 'mkfs.ext4'
  | 'mount'
  | 'chattr'
  | 'setpriv'
  | 'python3'
  | 'systemd-analyze'
  | 'caddy'
  | 'shellcheck';

function isThere(need: Need): boolean {
  if (need === 'root') return process.getuid?.() === 0;
  return spawnSync('sh', ['-c', `command -v ${need}`]).status === 0;
}

interface Context {
  readonly task: { readonly name: string };
  readonly skip: (note: string) => never;
}

/** Call this first in a test. */
export function skipWithout(context: Context, ...needs: readonly Need[]): void {
  const missing = needs.filter((need) => !isThere(need));
  if (missing.length > 0) skipBecause(context, `needs ${missing.join(', ')}`);
}

/** Skips the test, and prints the reason. */
export function skipBecause(context: Context, reason: string): never {
  // The default reporter says that a test was skipped, but not why.
  console.info(`left out: "${context.task.name}": ${reason}`);
  return context.skip(reason);
}
