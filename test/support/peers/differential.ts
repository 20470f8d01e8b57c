// Runs the same commands through the dialect and through Redis, and finds the first reply that differs.
import type { Reply } from '../../../src/commands/reply.ts';
import { isResolved, resolveCommand } from '../../../src/commands/resolve-command.ts';
import { CommandExecutor } from '../stores/command-executor.ts';
import {
  isNearlySameDeadline,
  lastDeadline,
  isNearlySameNumber,
  isSameReply,
  show,
  showBytes,
} from './compare-replies.ts';
import type { Mismatch } from './find-mismatch.ts';
import type { RespClient } from './resp-client.ts';
import { isAnswerToForeignCursor, isForeignCursor, walk, type Ask } from './scan-walk.ts';

export const valueBytesMax = 1024 * 1024;

/** Flags that give Redis the same limit. It allows no lower one. */
export const redisFlags = ['--proto-max-bulk-len', String(valueBytesMax)];

/** Turns an unexpected error into a mismatch, which is reported with seed and context. */
function thrownAsReply(thrown: unknown): Reply {
  return { kind: 'error', message: `thrown: ${String(thrown)}` };
}

export const setsDeadline: ReadonlySet<string> = new Set(
  ['set', 'setex', 'psetex', 'getex'].concat('expire', 'pexpire', 'expireat', 'pexpireat'),
);

/** The keys of a command; none if the words are no command. */
export function keysOf(words: readonly string[]): readonly string[] {
  const found = resolveCommand(words);
  return isResolved(found) ? found.keys : [];
}

/** Redis counts expired keys until it meets them. These commands make it meet all of them. */
export function lookAtAll(commands: readonly (readonly string[])[]): readonly string[] {
  return ['exists', ...new Set(['a', ...commands.flatMap(keysOf)])];
}

export class Differential {
  readonly #redis: RespClient;
  #look: readonly string[] = [];

  constructor(redis: RespClient) {
    this.#redis = redis;
  }

  readonly run = async (
    commands: readonly (readonly string[])[],
  ): Promise<Mismatch | undefined> => {
    await this.#redis.call(['flushall']);
    this.#look = lookAtAll(commands);
    const executor = new CommandExecutor({ valueBytesMax, keysReplyMax: 100_000 }, 3);
    for (const [index, words] of commands.entries()) {
      const mismatch = await this.#step(executor, words);
      if (mismatch !== undefined) return { index, ...mismatch };
    }
    return undefined;
  };

  async #step(executor: CommandExecutor, words: readonly string[]) {
    const name = (words[0] ?? '').toLowerCase();
    const ours: Ask = (some) => executor.execute(some, Date.now()).catch(thrownAsReply);
    const theirs: Ask = (some) => this.#redis.call(some);
    if (name === 'dbsize') await theirs(this.#look);
    const [, key = '', argument = ''] = words;
    const old = executor.entries.get(key)?.value ?? '0';
    const replies = [await ours(words), await theirs(words)] as const;
    const [, reply] = replies;
    if (name === 'scan' && isForeignCursor(key) && isAnswerToForeignCursor(replies[0]))
      return undefined;
    if (name === 'scan' && replies.every(({ kind }) => kind === 'array')) {
      const walks = [
        await walk(ours, words, replies[0]),
        await walk(theirs, words, reply),
      ] as const;
      return this.#compare(name, ...walks);
    }
    if (name === 'incrbyfloat' && isNearlySameNumber(...replies, [old, argument])) {
      // Give both the same value. Otherwise every later reply would differ, too.
      if (reply.kind === 'bulk') await ours(['set', key, reply.value ?? '', 'keepttl']);
      return undefined;
    }
    if (setsDeadline.has(name)) await this.#agreeOnDeadline(executor, key);
    if (name.endsWith('expiretime') && executor.entries.get(key)?.expiresAt === lastDeadline)
      return undefined;
    return this.#compare(name, ...replies);
  }

  /** The two saw the command at different times, so this takes Redis's deadline over. */
  async #agreeOnDeadline(executor: CommandExecutor, key: string): Promise<void> {
    const entry = executor.entries.get(key);
    const reply = await this.#redis.call(['pexpiretime', key]);
    if (entry?.expiresAt === undefined || reply.kind !== 'integer') return;
    const theirs = Number(reply.value);
    if (theirs <= lastDeadline && isNearlySameDeadline(entry.expiresAt, theirs))
      executor.entries.set(key, { ...entry, expiresAt: theirs });
  }

  #compare(name: string, ours: Reply, theirs: Reply) {
    if (isSameReply(name, ours, theirs, Date.now())) return undefined;
    return { ours: show(ours), theirs: show(theirs) };
  }
}

export function showCommand(words: readonly string[]): string {
  return words.map(showBytes).join(' ');
}
