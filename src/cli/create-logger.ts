// The program's log: JSON lines on standard error, so that standard output is the program's own.
import { pino, type Logger } from 'pino';
import type { Settings } from './settings-schema.ts';

export function createLogger(level: Settings['logLevel']): Logger {
  // Synchronous: there is little of it, and the last line before a death must not be lost.
  const standardError = pino.destination({ dest: 2, sync: true });
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, standardError);
}
