// Serves an open store: builds the app over it, listens; and takes both apart in the right order.
// Loads the libraries of the HTTP side, which take long.
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { openAccess } from '../access/access.ts';
import { auditFolderName } from '../audit/audit-file-names.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { nodeAuditFolder } from '../audit/node-audit-folder.ts';
import type { Clock } from '../base/clock.ts';
import { programVersion } from '../base/program-version.ts';
import type { MemoryPlan } from '../engine/memory-plan.ts';
import { buildApp } from '../http/app.ts';
import { drain, listen } from '../http/server.ts';
import { usePair } from '../http/tls/secure-server.ts';
import type { PemPair } from '../http/tls/tls-pair.ts';
import { noServerTokens, type ServerTokenTexts } from '../settings/server-tokens.ts';
import type { Settings } from '../settings/settings-schema.ts';
import type { CommandStore } from '../store/store.ts';
import { checkExposure } from './check-exposure.ts';
import { refuseTokensOfUsers } from './refuse-tokens-of-users.ts';
import { checkUsable } from './check-usable.ts';
import { ListenError } from './listen-error.ts';
import { followPair, type TlsOfServer } from './tls-files.ts';

export interface OpenServerOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Without any, the server is open, and listens on loopback alone. */
  readonly serverTokens?: ServerTokenTexts;
  /** True once the server was told to stop; from then on it is not ready. */
  readonly isStopping?: () => boolean;
  /** Number of log lines that could not be written. */
  readonly logLinesLost?: () => number;
}

export interface OpenServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** As it was at the start: administration may have made the first token since. */
  readonly neededToken: boolean;
  readonly store: CommandStore;
  readonly app: FastifyInstance;
  /**
   * Returns when the last request has been answered, or cut off at two thirds of the deadline, and
   * everything is durable and closed.
   *
   * @param deadlineMs milliseconds; the setting shutdownDeadlineMs, or what is left of it
   */
  close(deadlineMs: number): Promise<void>;
}

/** Requests in flight get this share of the deadline; the rest is for the store's last sync. */
const drainShare = 2 / 3;

/** @throws SettingError if the server may not listen so; ListenError; StoreError */
export async function serveStore(
  store: CommandStore,
  { tls, memory }: { readonly tls: TlsOfServer | undefined; readonly memory: MemoryPlan },
  options: OpenServerOptions,
): Promise<OpenServer> {
  const { settings, logger, clock, isStopping = () => false, logLinesLost } = options;
  const { serverTokens = noServerTokens } = options;
  const { namespacesMax } = settings;
  const nowMs = (): number => store.timestamp();
  const access = await openAccess({ store, nowMs, serverTokens, namespacesMax });
  checkExposure(settings, access.callers.isOpen);
  refuseTokensOfUsers(access.callers, serverTokens);
  checkUsable(access.callers, nowMs, resolve(settings.dataDir));
  const neededToken = !access.callers.isOpen;
  const auditLog = auditLogOf(settings, nowMs, logger);
  let isClosing = false;
  const app = await buildApp({
    store,
    clock,
    limits: { ...settings, ...memory },
    access: { ...settings, access },
    auditLog,
    upstashAtRoot: settings.upstashAtRoot,
    fastLane: settings.fastLane,
    version: programVersion,
    tls: tls?.pair,
    logger,
    isStopping: () => isClosing || isStopping(),
    ...(logLinesLost === undefined ? {} : { logLinesLost }),
  });
  const address = await listenOrClose(app, settings);
  const use = (pair: PemPair): void => usePair(app.server, pair);
  const stopFollowing = tls && followPair(tls, { clock, logger, use });
  const close = async (deadlineMs: number): Promise<void> => {
    isClosing = true;
    stopFollowing?.();
    try {
      await drain(app, { deadlineMs: Math.floor(deadlineMs * drainShare) });
      await access.close();
    } finally {
      await closeBoth(store, auditLog);
    }
  };
  return { ...address, neededToken, store, app, close };
}

/** The store answers operations whose requests were cut off, and they leave records, too. */
async function closeBoth(store: CommandStore, auditLog: AuditLog): Promise<void> {
  try {
    await store.close();
  } finally {
    await auditLog.close();
  }
}

function auditLogOf(
  { dataDir, auditFileBytesMax, auditFilesMax, auditOnFull }: Settings,
  nowMs: () => number,
  logger: Logger,
): AuditLog {
  return new AuditLog({
    folder: nodeAuditFolder(join(resolve(dataDir), auditFolderName)),
    fileBytesMax: auditFileBytesMax,
    filesMax: auditFilesMax,
    onFull: auditOnFull,
    nowMs,
    logger,
  });
}

async function listenOrClose(
  app: FastifyInstance,
  settings: Settings,
): Promise<{ url: string; port: number }> {
  try {
    return await listen(app, settings);
  } catch (error) {
    await app.close();
    throw new ListenError(settings, error);
  }
}
