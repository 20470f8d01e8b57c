// `startServer` of the package: a server within the caller's process. Leaves signals, standard
// output, the environment and the end of the process to the caller. Does not know the parts of a
// server: open-server.ts puts them together.
/// <reference lib="esnext.disposable" preserve="true" />
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { assert } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { combineSettings, givenByMembers } from '../settings/combine-settings.ts';
import {
  checkServerTokens,
  type GivenTokens,
  type ServerTokenTexts,
} from '../settings/server-tokens.ts';
import { SettingError } from '../settings/setting-error.ts';
import type { SettingMembers, Settings } from '../settings/settings-schema.ts';
import { openServer } from './open-server.ts';
import type { OpenServer } from './serve-store.ts';
import { withinDeadline } from './within-deadline.ts';

/**
 * All settings, by the names and with the values that they have in a settings file. The defaults are
 * those of the program, with three exceptions:
 *
 * - `port`: 0, any free port
 * - `dataDir`: a new folder for temporary files, which `close` removes
 * - `logLevel`: `silent`
 */
export interface ServerOptions extends SettingMembers {
  /**
   * The token, or two tokens, that may do everything. Without one the server is open, and listens on
   * loopback alone.
   */
  readonly token?: string | readonly string[];
  /** The token, or two tokens, that read every namespace. Only beside `token`. */
  readonly readToken?: string | readonly string[];
}

export interface RunningServer {
  /** The address, such as `http://127.0.0.1:40213`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops the server. Resolves when all requests have been answered and every file is closed. A
   * second call changes nothing, and returns the same promise.
   *
   * @throws Error if the server has not stopped within `shutdownDeadlineMs`
   */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const origin = 'the options of startServer';
const defaults: ServerOptions = { port: 0, logLevel: 'silent' };

/**
 * Starts a server in this process. Several servers may run side by side, each with its own folder.
 *
 * @throws SettingError (a TypeError) for an option that is unknown or not allowed; StoreError if the
 *   folder cannot be served; ListenError
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const { token, readToken, ...members } = membersOf(options);
  const settings = combineSettings([
    givenByMembers(defaults, origin),
    givenByMembers(members, origin),
  ]);
  const serverTokens = checkServerTokens(given('token', token), given('readToken', readToken));
  if (members.dataDir !== undefined) {
    return runningServer(await open(settings, serverTokens), settings);
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  try {
    return runningServer(await open({ ...settings, dataDir }, serverTokens), settings, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Callers of JavaScript may pass anything. */
function membersOf(options: unknown): ServerOptions {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  throw new SettingError(`${origin} must be one object with settings as members`);
}

function given(name: string, tokens: unknown): GivenTokens | undefined {
  if (tokens === undefined) return undefined;
  const texts: unknown[] = Array.isArray(tokens) ? tokens : [tokens];
  if (!texts.every((text) => typeof text === 'string')) {
    throw new SettingError(`${name} of ${origin} must be a string, or an array of strings`);
  }
  return { origin: `${name} of ${origin}`, texts };
}

async function open(settings: Settings, serverTokens: ServerTokenTexts): Promise<OpenServer> {
  const logger = loggerOf(settings.logLevel);
  const server = await openServer({ settings, serverTokens, logger, clock: systemClock });
  assert(server !== undefined, 'a server that no caller stops comes to listen');
  return server;
}

/** Not one of pino's destinations: those leave listeners on the process. */
const standardError = { write: (line: string): void => void process.stderr.write(line) };

function loggerOf(level: Settings['logLevel']): Logger {
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, standardError);
}

function runningServer(
  server: OpenServer,
  { shutdownDeadlineMs }: Settings,
  afterwards: () => Promise<void> = () => Promise.resolve(),
): RunningServer {
  const message = `the server did not stop within shutdownDeadlineMs (${shutdownDeadlineMs} ms)`;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= withinDeadline(
      server.close(shutdownDeadlineMs).then(afterwards),
      shutdownDeadlineMs,
      message,
    );
    return closed;
  };
  return { url: server.url, port: server.port, close, [Symbol.asyncDispose]: close };
}
