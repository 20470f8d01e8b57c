// Makes the program's log: JSON lines on standard error. Standard output stays free for results.
import { pino, type Logger } from 'pino';
import type { BoundedWriter } from './bounded-writer.ts';
import type { Settings } from './settings-schema.ts';

export function createLogger(level: Settings['logLevel'], writer: BoundedWriter): Logger {
  // Not one of pino's destinations: those throw, or block, or keep the process from ending.
  const logger = pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, writer);
  writer.onLossEnded((linesLost) => {
    logger.warn(
      { linesLost },
      'log lines could not be written and are lost; so many since the start',
    );
  });
  return logger;
}
