// Says which commands may be part of a transaction. Runs none.
import type { StoreError } from '../../base/errors.ts';
import {
  nameOf,
  type ParsedCommand,
  type ParsedKeyedCommand,
  type ParsedKeyspaceCommand,
} from './command-parser.ts';
import type { AtomicCommand } from './command-runner.ts';
import { replyOfError } from './error-reply.ts';
import { RequestFault } from './request-fault.ts';

/** The error text of Redis, with the reason appended. */
function discarded(index: number, message: string): RequestFault {
  const why = `command ${index + 1}: ${message}`;
  return new RequestFault(`EXECABORT Transaction discarded because of previous errors. (${why})`);
}

/**
 * @param refusalOf the error that refuses the command to this caller, if the caller may not run it
 * @throws RequestFault if one of the commands cannot be part of a transaction of this caller
 */
export function allowedInTransaction(
  commands: readonly ParsedCommand[],
  refusalOf: (command: ParsedKeyedCommand) => StoreError | undefined,
): AtomicCommand[] {
  return commands.map((parsed, index) => {
    const refusal = parsed.kind === 'keyed' ? refusalOf(parsed) : undefined;
    if (refusal !== undefined) {
      throw discarded(index, replyOfError(refusal, nameOf(parsed)).message);
    }
    if (parsed.kind === 'keyspace') throw discarded(index, `ERR ${aboutAllKeys(parsed)}`);
    const isWrong = parsed.kind === 'answered' && !parsed.isRun && parsed.reply.kind === 'error';
    if (isWrong) throw discarded(index, parsed.reply.message);
    return parsed;
  });
}

function aboutAllKeys({ command }: ParsedKeyspaceCommand): string {
  return `'${command.name}' is about all keys, and cannot be part of a transaction`;
}

/** @throws RequestFault if the answer to one of the commands cannot be kept */
export function allowedOnce(commands: readonly ParsedCommand[]): AtomicCommand[] {
  return commands.map((parsed) => {
    if (parsed.kind !== 'keyspace') return parsed;
    const why = 'and an Idempotency-Key makes several commands one';
    throw new RequestFault(`ERR ${aboutAllKeys(parsed)}, ${why}; nothing was carried out`);
  });
}
