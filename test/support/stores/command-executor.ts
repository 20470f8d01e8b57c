// The simplest executor of commands: a Map on one thread.
import type {
  CommandLimits,
  CommandEntry,
  KeyPage,
  Keyspace,
} from '../../../src/commands/command.ts';
import { defaultCommandLimits } from '../../../src/commands/command.ts';
import { isResolved, resolveCommand } from '../../../src/commands/resolve-command.ts';
import type { Reply } from '../../../src/commands/reply.ts';
import { runKeyed, runOnConnection, runOnKeyspace } from '../../../src/commands/run-command.ts';

export class CommandExecutor {
  readonly entries = new Map<string, CommandEntry>();
  readonly #limits: CommandLimits;
  /** The most keys that one step of a walk looks at. */
  readonly #stepMax: number;

  constructor(limits: CommandLimits = defaultCommandLimits, stepMax = Infinity) {
    this.#limits = limits;
    this.#stepMax = stepMax;
  }

  async execute(words: readonly string[], now: number): Promise<Reply> {
    const found = resolveCommand(words);
    if (!isResolved(found)) return found;
    const { command, args, keys } = found;
    if (command.kind === 'connection') return runOnConnection(command, args, now);
    if (command.kind === 'keyspace')
      return runOnKeyspace(command, args, this.keyspace(now), this.#limits);
    const entries = keys.map((key) => this.alive(key, now));
    const outcome = runKeyed(command, { args, keys, entries, now, limits: this.#limits });
    for (const [i, key] of keys.entries()) {
      const change = outcome.changes[i];
      if (change === 'delete') this.entries.delete(key);
      else if (change !== undefined) this.entries.set(key, change.put);
    }
    return outcome.reply;
  }

  alive(key: string, now: number): CommandEntry | undefined {
    const entry = this.entries.get(key);
    return entry?.expiresAt !== undefined && entry.expiresAt <= now ? undefined : entry;
  }

  aliveKeys(now: number): string[] {
    return [...this.entries.keys()]
      .filter((key) => this.alive(key, now) !== undefined)
      .toSorted((a, b) => (a < b ? -1 : 1));
  }

  keyspace(now: number): Keyspace {
    return {
      scan: async (after, prefix, limit) => this.#scan(now, after, prefix, limit),
      count: async () => this.aliveKeys(now).length,
      randomKey: async () => this.aliveKeys(now)[0],
      clear: async () => this.entries.clear(),
    };
  }

  #scan(now: number, after: string | undefined, prefix: string, limit: number): KeyPage {
    const left = this.aliveKeys(now).filter(
      (key) => key.startsWith(prefix) && (after === undefined || key > after),
    );
    const keys = left.slice(0, Math.min(limit, this.#stepMax));
    return { keys, next: keys.length < left.length ? keys.at(-1) : undefined };
  }
}
