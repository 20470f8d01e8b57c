// Connects the settings of TLS to the server: reads the pair at the start, and looks for a new one
// while the server runs. Judges no pair: src/http/tls does.
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import { visibleText } from '../base/visible-text.ts';
import { readPairAtStart } from '../http/tls/pair-files.ts';
import { PairWatcher } from '../http/tls/pair-watcher.ts';
import {
  checkPair,
  reasonAgainst,
  TlsPairError,
  type TlsFiles,
  type TlsPair,
} from '../http/tls/tls-pair.ts';
import { SettingError } from '../settings/setting-error.ts';
import type { Settings } from '../settings/settings-schema.ts';

/** Milliseconds between two looks at the files. A look asks for the state of each file. */
const lookMs = 2000;

export interface TlsOfServer {
  readonly files: TlsFiles;
  /** The pair of the start. */
  readonly pair: TlsPair;
}

/**
 * @returns undefined if the settings ask for no TLS
 * @throws SettingError that says in one line why the pair cannot be used
 */
export function openTls({ tlsCert, tlsKey }: Settings): TlsOfServer | undefined {
  if (tlsCert === '') return undefined;
  const files = { certFile: resolve(tlsCert), keyFile: resolve(tlsKey) };
  try {
    return { files, pair: checkPair(readPairAtStart(files), files) };
  } catch (error) {
    if (error instanceof TlsPairError) throw new SettingError(oneLine(error.message));
    throw error;
  }
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets each new pair. */
  readonly use: (pair: TlsPair) => void;
}

/**
 * Looks for new pairs as long as the process has something else to do.
 *
 * @returns a function that ends this
 */
export function followPair({ files, pair }: TlsOfServer, options: FollowOptions): () => void {
  const { logger, use } = options;
  logPair(pair, options);
  const watcher = new PairWatcher({
    files,
    pair,
    onPair: (found) => {
      use(found);
      logPair(found, options);
    },
    onFault: (fault) => {
      const text = 'the TLS files cannot be used; the pair before them stays in use';
      logger.warn({ fault: oneLine(fault) }, text);
    },
  });
  const timer = setInterval(() => void watcher.look(), lookMs).unref();
  return () => clearInterval(timer);
}

function logPair(pair: TlsPair, { clock, logger }: FollowOptions): void {
  const { subject, notAfterMs } = pair;
  const facts = { subject, notAfter: new Date(notAfterMs).toJSON() };
  logger.info(facts, 'a TLS certificate is in use');
  const reason = reasonAgainst(pair, clock.wallMs());
  if (reason !== undefined) {
    logger.warn({ ...facts, reason }, 'clients refuse the TLS certificate that is in use');
  }
}

function oneLine(message: string): string {
  return visibleText(message.replaceAll(/[\r\n\t ]+/g, ' '));
}
