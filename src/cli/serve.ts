// Runs a server as a process: signals, exit codes, standard streams, the start block. Does not know
// the parts of a server: src/server puts them together.
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { programVersion } from '../base/program-version.ts';
import { ListenError } from '../server/listen-error.ts';
import { openServer } from '../server/open-server.ts';
import type { OpenServer } from '../server/serve-store.ts';
import type { ServerTokenTexts } from '../settings/server-tokens.ts';
import type { Settings } from '../settings/settings-schema.ts';
import { CommandError, exitCodes } from './command-error.ts';
import { withDamageAdvice } from './damage-advice.ts';
import { hasTerminal, stopSignals } from './process-signals.ts';
import { openServerLog } from './server-log.ts';
import { flagOf } from './setting-spelling.ts';
import { startBlock } from './start-block.ts';
import { serverOutput, standardError } from './standard-streams.ts';
import { StopSignals } from './stop-signals.ts';

interface ServeOptions {
  readonly settings: Settings;
  readonly serverTokens: ServerTokenTexts;
  readonly logger: Logger;
  readonly signals: StopSignals;
}

/**
 * Returns once it was told to stop and everything has stopped cleanly.
 *
 * @param unknownVariables of the environment, to warn of
 */
export async function serve(
  settings: Settings,
  serverTokens: ServerTokenTexts,
  unknownVariables: readonly string[],
): Promise<void> {
  const logger = openServerLog(settings.logLevel, standardError);
  for (const variable of unknownVariables) {
    logger.warn({ variable }, 'an environment variable is ignored: there is no such setting');
  }
  const signals = new StopSignals({
    source: process,
    signals: stopSignals,
    clock: systemClock,
    exit: (code) => process.exit(code),
  });
  if (!hasTerminal) {
    process.on('SIGHUP', () => logger.info('SIGHUP is ignored: no standard stream is a terminal'));
  }
  void signals.first.then((signal) => {
    logger.info({ signal }, 'stopping');
    return exitAtDeadline(settings.shutdownDeadlineMs);
  });
  const options = { settings, serverTokens, logger, signals };
  const server = await open(options);
  if (server !== undefined) await serveUntilSignal(server, options);
  logger.info('stopped');
}

async function open(options: ServeOptions): Promise<OpenServer | undefined> {
  const { settings, serverTokens, logger, signals } = options;
  try {
    return await openServer({
      settings,
      serverTokens,
      logger,
      clock: systemClock,
      isStopping: () => signals.received,
      logLinesLost: () => standardError.linesLost,
    });
  } catch (error) {
    throw withFlag(withDamageAdvice(error, resolve(settings.dataDir)));
  }
}

/** Names the flag of the setting that the message asks to set. */
function withFlag(error: unknown): unknown {
  if (!(error instanceof ListenError)) return error;
  const { message, setting, cause } = error;
  const advice = setting === undefined ? '' : ` with ${flagOf(setting)}`;
  return new CommandError(exitCodes.failed, `${message}${advice}`, cause);
}

/** Returns when the server has closed, or throws the error of closing it. */
async function serveUntilSignal(server: OpenServer, options: ServeOptions): Promise<void> {
  const { settings, logger, signals } = options;
  const { url, port, neededToken } = server;
  const facts = { version: programVersion, url, port, neededToken, settings };
  serverOutput.write(startBlock(facts));
  if (serverOutput.linesLost > 0)
    logger.warn({ url }, 'standard output cannot be written; the server runs');
  const signal = await signals.first;
  const delayMs = signal === 'SIGTERM' ? settings.drainDelayMs : 0;
  if (delayMs > 0) await delay(delayMs);
  await server.close(settings.shutdownDeadlineMs - delayMs);
}

/** Ends the process even if a part hangs. Acknowledged writes are on disk already. */
function exitAtDeadline(deadlineMs: number): void {
  setTimeout(() => {
    standardError.write(`holdfast: did not stop within shutdownDeadlineMs (${deadlineMs} ms)\n`);
    process.exit(exitCodes.failed);
  }, deadlineMs);
}
