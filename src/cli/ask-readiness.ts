// Asks a server over HTTP if it serves, and says in one line why not. A container runs this every few
// seconds, so it loads no package. Knows the answer of /readyz, and no other route.
import { get as getOverHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getOverHttps } from 'node:https';
import { systemErrorCode } from '../base/errors.ts';
import { addressOfHost } from '../base/host-name.ts';
import { CommandError, exitCodes } from './command-error.ts';
import type { Settings } from '../settings/settings-schema.ts';
import { visibleText } from '../base/visible-text.ts';

export interface ReadinessTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** The settings that say how a server can be reached. */
type Listening = Pick<Settings, 'host' | 'port' | 'tlsCert'>;

/** The address at which a server with these settings answers on its own machine. */
export function targetOf(settings: Listening): ReadinessTarget {
  return { scheme: schemeOf(settings), host: reachableHost(settings.host), port: settings.port };
}

function schemeOf({ tlsCert }: Listening): ReadinessTarget['scheme'] {
  return tlsCert === '' ? 'http' : 'https';
}

/** A wildcard such as `0.0.0.0` or `::` is an address to listen on, and none to ask. */
function reachableHost(host: string): string {
  if (!/^[0.:]+$/.test(host)) return addressOfHost(host);
  return host.includes(':') ? '::1' : '127.0.0.1';
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** More than the state of every shard takes. */
const replyBytesMax = 256 * 1024;

/** Without a slash at the end. */
export function urlOf({ scheme, host, port }: ReadinessTarget): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws CommandError that says why the server does not serve */
export async function askReadiness(target: ReadinessTarget, timeoutMs: number): Promise<void> {
  const place = urlOf(target);
  const signal = AbortSignal.timeout(timeoutMs);
  const reply = await replyOf(target, signal).catch((error: unknown) => {
    if (signal.aborted) throw failure(`${place} gave no answer within ${timeoutMs} ms`, error);
    throw failure(`${place} cannot be asked: ${reasonOf(error)}`, error);
  });
  const fault = faultOf(reply);
  if (fault !== undefined) throw failure(`${place} ${fault}`);
}

async function replyOf(
  { scheme, host, port }: ReadinessTarget,
  signal: AbortSignal,
): Promise<Reply> {
  const options: RequestOptions = { host, port, path: '/readyz', agent: false, signal };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request =
      scheme === 'https'
        ? // Its certificate names the public host, and a stranger here learns nothing.
          getOverHttps({ ...options, rejectUnauthorized: false }, resolve)
        : getOverHttp(options, resolve);
    request.on('error', reject);
  });
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > replyBytesMax) break;
    pieces.push(piece);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() };
}

/** @returns undefined if the reply says that the server serves */
function faultOf({ status, text }: Reply): string | undefined {
  const members = membersOf(text);
  if (status === 200 && members['ready'] === true) return undefined;
  if (status === 503 && members['ready'] === false) {
    return `is not ready: ${reasonsIn(members).join('; ') || 'it gives no reason'}`;
  }
  if (status === 503 && typeof members['detail'] === 'string') {
    return `refused with 503: ${visibleText(members['detail'])}`;
  }
  return `answered ${status}, but not as a Holdfast server`;
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** No members if the text is not a JSON object. */
function membersOf(text: string): Members {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The reason of the server, and that of each shard that does not serve. */
function reasonsIn({ reason, shards }: Members): string[] {
  const ofShards = Array.isArray(shards) ? shards.filter(isObject) : [];
  return [
    ...(typeof reason === 'string' ? [visibleText(reason)] : []),
    ...ofShards
      .filter(({ state }) => state !== 'serving')
      .map(({ shard, state, reason: why }) => {
        const because = typeof why === 'string' ? `: ${why}` : '';
        return visibleText(`shard ${String(shard)} is ${String(state)}${because}`);
      }),
  ];
}

const explanations: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections (ECONNREFUSED); no server listens there',
  ECONNRESET: 'it cut the connection (ECONNRESET)',
  ENOTFOUND: 'that host name has no address (ENOTFOUND)',
};

function reasonOf(error: unknown): string {
  const code = systemErrorCode(error);
  if (code?.startsWith('HPE_') === true) return `it speaks no HTTP (${code})`;
  // Node has changed its code for this from one to the other.
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true)
    return `it speaks no TLS (${code})`;
  if (code !== undefined && Object.hasOwn(explanations, code)) return explanations[code] ?? code;
  return code ?? visibleText(String(error));
}

function failure(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, cause);
}
