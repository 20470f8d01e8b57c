// Says which commands may be part of a transaction. Runs none.
import type { ParsedCommand, ParsedKeyspaceCommand } from './command-parser.ts';
import type { AtomicCommand } from './command-runner.ts';
import { RequestFault } from './request-fault.ts';

/** The error text of Redis, with the reason appended. */
function discarded(index: number, message: string): RequestFault {
  const why = `command ${index + 1}: ${message}`;
  return new RequestFault(`EXECABORT Transaction discarded because of previous errors. (${why})`);
}

/** @throws RequestFault if one of the commands cannot be part of a transaction */
export function allowedInTransaction(commands: readonly ParsedCommand[]): AtomicCommand[] {
  return commands.map((parsed, index) => {
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
