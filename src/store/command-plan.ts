// Plans commands on keys as one transaction of a store. Each command sees the changes of those
// before it, and no other request sees a state in between. As in Redis, a command that fails
// changes nothing and stops no other command. Knows no store, only the moment.
import { byteStringOfBytes } from '../base/byte-string.ts';
import { StoreError } from '../base/errors.ts';
import type { CommandEntry, CommandLimits, KeyedCommand } from '../commands/command.ts';
import { replyBytesOf } from '../commands/reply-bytes.ts';
import type { Reply } from '../commands/reply.ts';
import { runKeyed } from '../commands/run-command.ts';
import type { EntryResult } from './result.ts';
import { EntryOverlay } from './entry-overlay.ts';
import type { TransactionPlan } from './transaction.ts';
import type { SubmitOptions } from './store.ts';

/**
 * Bytes of values that the commands of one transaction may read and write in sum. A value counts
 * each time: no other request is answered while the commands run.
 */
const touchedBytesMax = 256 * 1024 * 1024;

/** A command that has been resolved, with its arguments. */
export interface PlannedCommand {
  readonly command: KeyedCommand;
  readonly args: readonly string[];
  /** In the order of the arguments; a key may come twice. */
  readonly keys: readonly string[];
}

export function distinctKeys(commands: readonly PlannedCommand[]): string[] {
  return [...new Set(commands.flatMap(({ keys }) => keys))];
}

/**
 * @param keys those of `distinctKeys`, in the order of the moment's names
 * @returns a plan that gives one reply a command, in order
 */
export function planCommands(
  commands: readonly PlannedCommand[],
  keys: readonly string[],
  limits: CommandLimits,
  { reserveReplyBytes }: SubmitOptions,
): TransactionPlan<Reply[]> {
  return ({ entries, now }) => {
    const run = new AtomicRun(keys, entries, { now, limits });
    const output = commands.map((command) => {
      const reply = run.run(command);
      const refusal = reserveReplyBytes?.(replyBytesOf(reply));
      if (refusal !== undefined) throw refusal;
      return reply;
    });
    return { output, changes: run.changes() };
  };
}

interface AtomicRunOptions {
  readonly now: number;
  readonly limits: CommandLimits;
}

class AtomicRun {
  readonly #options: AtomicRunOptions;
  readonly #overlay: EntryOverlay<CommandEntry>;
  #touchedBytes = 0;

  constructor(
    keys: readonly string[],
    entries: readonly (EntryResult | undefined)[],
    options: AtomicRunOptions,
  ) {
    this.#options = options;
    this.#overlay = new EntryOverlay(keys, entries.map(entryOf));
  }

  run({ command, args, keys }: PlannedCommand): Reply {
    const indexes = keys.map((key) => this.#overlay.indexOf(key));
    const entries = indexes.map((index) => this.#overlay.get(index));
    for (const entry of entries) this.#touch(entry?.value.length ?? 0);
    const { reply, changes } = runKeyed(command, { args, keys, entries, ...this.#options });
    for (const [nth, change] of changes.entries()) {
      const index = indexes[nth];
      if (change === undefined || index === undefined) continue;
      this.#overlay.set(index, change === 'delete' ? undefined : change.put);
      if (change !== 'delete') this.#touch(change.put.value.length);
    }
    return reply;
  }

  changes() {
    return this.#overlay.changes(({ value, expiresAt }) => ({
      value: Buffer.from(value, 'latin1'),
      expiresAt,
    }));
  }

  #touch(bytes: number): void {
    this.#touchedBytes += bytes;
    if (this.#touchedBytes <= touchedBytesMax) return;
    const detail = `the commands of one transaction may go through ${touchedBytesMax} bytes of values`;
    throw new StoreError('REQUEST_TOO_LARGE', detail, { limit: touchedBytesMax });
  }
}

function entryOf(entry: EntryResult | undefined): CommandEntry | undefined {
  if (entry?.value === undefined) return undefined;
  const { value, expiresAt } = entry;
  return { value: byteStringOfBytes(value), expiresAt };
}
