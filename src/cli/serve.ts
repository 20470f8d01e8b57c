// Runs a server: opens the store, listens, waits for a signal, drains, closes. Knows the order in
// which the parts start and stop, and not how they work.
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { buildApp } from '../http/app.ts';
import { drain, listen } from '../http/server.ts';
import { openEmbeddedStore } from '../engine/open-embedded-store.ts';
import type { CommandStore } from '../store/store.ts';
import { exitCodes } from './command-error.ts';
import { withDamageAdvice } from './damage-advice.ts';
import { listenError } from './listen-error.ts';
import { hasTerminal, stopSignals } from './process-signals.ts';
import { programVersion } from './program-version.ts';
import { openServerLog } from './server-log.ts';
import type { Settings } from './settings-schema.ts';
import { startBlock } from './start-block.ts';
import { serverOutput, standardError } from './standard-streams.ts';
import { StopSignals } from './stop-signals.ts';
import { upgradeFolder } from './upgrade-folder.ts';

/** Requests in flight get this share of the deadline; the rest is for the store's last sync. */
const drainShare = 2 / 3;

interface ServeOptions {
  readonly settings: Settings;
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
  const store = await openStore(settings, logger);
  try {
    // A signal during recovery waits for its end, since a store half open cannot be closed.
    if (!signals.received) await serveStore(store, { settings, logger, signals });
  } finally {
    await store.close();
  }
  logger.info('stopped');
}

/** Returns when the last request has been answered or, at the deadline, cut off. */
async function serveStore(store: CommandStore, options: ServeOptions): Promise<void> {
  const { settings, logger, signals } = options;
  const app = await buildApp({
    store,
    clock: systemClock,
    limits: settings,
    version: programVersion,
    logger,
    isStopping: () => signals.received,
    logLinesLost: () => standardError.linesLost,
  });
  const { url } = await listen(app, settings).catch((error: unknown) => {
    throw listenError(error, settings);
  });
  serverOutput.write(startBlock({ version: programVersion, url, settings }));
  if (serverOutput.linesLost > 0)
    logger.warn({ url }, 'standard output cannot be written; the server runs');
  const signal = await signals.first;
  const delayMs = signal === 'SIGTERM' ? settings.drainDelayMs : 0;
  if (delayMs > 0) await delay(delayMs);
  const leftMs = settings.shutdownDeadlineMs - delayMs;
  await drain(app, { deadlineMs: Math.floor(leftMs * drainShare) });
}

async function openStore(settings: Settings, logger: Logger): Promise<CommandStore> {
  const { shards, shardHeapMiB } = settings;
  const dataDir = resolve(settings.dataDir);
  try {
    upgradeFolder(dataDir, logger);
    return await openEmbeddedStore({
      ...settings,
      dataDir,
      shards: shards === 'auto' ? undefined : shards,
      shardHeapMiB: shardHeapMiB === 'auto' ? undefined : shardHeapMiB,
      logger,
      clock: systemClock,
    });
  } catch (error) {
    throw withDamageAdvice(error, dataDir);
  }
}

/** Ends the process even if a part hangs. Acknowledged writes are on disk already. */
function exitAtDeadline(deadlineMs: number): void {
  setTimeout(() => {
    standardError.write(`holdfast: did not stop within shutdownDeadlineMs (${deadlineMs} ms)\n`);
    process.exit(exitCodes.failed);
  }, deadlineMs);
}
