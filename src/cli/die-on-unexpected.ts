// Logs an unexpected error and ends the process. A process that no longer knows its own state must
// not go on answering. Acknowledged writes are on disk.
import type { Logger } from 'pino';
import { exitCodes } from './command-error.ts';
import { standardError } from './standard-streams.ts';

/** Covers unhandled rejections too: Node raises them as uncaught exceptions. */
export function dieOnUnexpected(logger: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    logger.fatal({ err: error, origin }, 'unexpected error');
    standardError.write(`holdfast: died of an unexpected error; this is a bug: ${error}\n`);
    process.exit(exitCodes.failed);
  });
}
