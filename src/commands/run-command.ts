// Runs commands: passes a call to its function and turns a refusal into an error reply. Reads and
// writes no entry itself.
import {
  defaultCommandLimits,
  type CommandLimits,
  type ConnectionCommand,
  type KeyedCall,
  type KeyedCommand,
  type Keyspace,
  type KeyspaceCommand,
  type CommandOutcome,
} from './command.ts';
import { parseFlush } from './keyspace-commands.ts';
import { RedisError, error, ok, tooLong, type Reply } from './reply.ts';

/** A call without what the runner knows. */
export interface KeyedRequest extends Omit<KeyedCall, 'name' | 'limits'> {
  readonly limits?: CommandLimits | undefined;
}

function errorOf(thrown: unknown): Reply {
  if (thrown instanceof RedisError) return error(thrown.message);
  throw thrown;
}

/** Never throws for a client's mistake: that is an error reply without changes. */
export function runKeyed(command: KeyedCommand, request: KeyedRequest): CommandOutcome {
  const { args, keys, entries, now, limits = defaultCommandLimits } = request;
  try {
    // A client cannot send Redis such an argument. Commands that grow a value also check the limit.
    for (const { length } of args) if (length > limits.valueBytesMax) throw new RedisError(tooLong);
    return command.run({ name: command.name, args, keys, entries, now, limits });
  } catch (thrown) {
    return { reply: errorOf(thrown), changes: [] };
  }
}

/** Rejects only with errors of the keyspace. */
export async function runOnKeyspace(
  command: KeyspaceCommand,
  args: readonly string[],
  keyspace: Keyspace,
  limits: CommandLimits = defaultCommandLimits,
): Promise<Reply> {
  try {
    return await command.run({ name: command.name, args, limits }, keyspace);
  } catch (thrown) {
    return errorOf(thrown);
  }
}

/** The reply that FLUSHDB or FLUSHALL will have, for a caller that empties the keyspace itself. */
export function checkFlush(args: readonly string[]): Reply {
  try {
    parseFlush(args);
    return ok;
  } catch (thrown) {
    return errorOf(thrown);
  }
}

/** @param now Unix milliseconds */
export function runOnConnection(
  command: ConnectionCommand,
  args: readonly string[],
  now: number,
): Reply {
  try {
    return command.run({ name: command.name, args, now });
  } catch (thrown) {
    return errorOf(thrown);
  }
}
