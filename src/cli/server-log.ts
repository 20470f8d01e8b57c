// Makes the log of a server: JSON lines on standard error. Standard output stays free for results.
// Logs what the runtime reports and no part of the program expects.
import { pino, type Logger } from 'pino';
import type { BoundedWriter } from './bounded-writer.ts';
import { exitCodes } from './command-error.ts';
import type { Settings } from '../settings/settings-schema.ts';

export function openServerLog(level: Settings['logLevel'], writer: BoundedWriter): Logger {
  // Not one of pino's destinations: those throw, or block, or keep the process from ending.
  const logger = pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, writer);
  writer.onLossEnded((linesLost) => {
    logger.warn(
      { linesLost },
      'log lines could not be written and are lost; so many since the start',
    );
  });
  dieOnUnexpected(logger, writer);
  logWarnings(logger);
  return logger;
}

/**
 * A process that no longer knows its own state must not go on answering. Acknowledged writes are on
 * disk. Covers unhandled rejections too: Node raises them as uncaught exceptions.
 */
function dieOnUnexpected(logger: Logger, writer: BoundedWriter): void {
  process.on('uncaughtException', (error, origin) => {
    logger.fatal({ err: error, origin }, 'unexpected error');
    writer.write(`holdfast: died of an unexpected error; this is a bug: ${error}\n`);
    process.exit(exitCodes.failed);
  });
}

/** By default Node writes warnings as text, and blocks until the reader takes them. */
function logWarnings(logger: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => logger.warn({ err: warning }, 'warning of the runtime'));
}
