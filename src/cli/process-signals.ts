// Decides which signals ask a command to stop and which are ignored, from the first moment on.
// Knows no command. serve.ts stops a server.
import { isatty } from 'node:tty';

/**
 * The standard streams that are terminals, judged at the start: one that was closed is none any more.
 * If there is one, SIGHUP says that it has been closed. If there is none, nohup may have started us.
 * Node hides whether it did: it resets an ignored SIGHUP before any of our code runs.
 */
export const terminals: readonly number[] = [0, 1, 2].filter((descriptor) => isatty(descriptor));
export const hasTerminal = terminals.length > 0;

/** Signals that ask a command to stop. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

export const stopSignals: readonly StopSignal[] = hasTerminal
  ? ['SIGTERM', 'SIGINT', 'SIGHUP']
  : ['SIGTERM', 'SIGINT'];

/** The entry calls this before it loads anything else. */
export function ignoreSignals(): void {
  // By default Node opens a debugger, on a port that every user of the machine can reach.
  process.on('SIGUSR1', () => undefined);
  if (!hasTerminal) process.on('SIGHUP', () => undefined);
}
