// Asks a server for its backup over HTTP, through redirects. What was given to show to that server is
// shown to no other one.
import { systemErrorCode } from '../base/errors.ts';
import type { BackupRequest } from './backup-request.ts';
import { CommandError, exitCodes } from './command-error.ts';

export type Body = AsyncIterable<Uint8Array>;

const mediaType = 'application/x-ndjson';
const redirectsMax = 5;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @throws CommandError where it is no backup that comes back */
export async function fetchBackup(request: BackupRequest, signal: AbortSignal): Promise<Body> {
  const { response, at, keepsHeaders } = await followRedirects(request, signal);
  const { status, body, headers } = response;
  if (status === 200 && body !== null && headers.get('content-type') === mediaType) return body;
  const problem = await problemOf(response);
  const without = keepsHeaders
    ? ''
    : `; it was redirected to, so that no header or token was sent there`;
  if (problem !== undefined) {
    throw failure(`${at.origin} refused with ${status}: ${problem}${without}`);
  }
  const place = `${at.origin}${at.pathname}`;
  const detail = `${place} answered ${status}, but not as a Holdfast server that takes backups`;
  throw failure(`${detail}${without}`);
}

interface Answer {
  readonly response: Response;
  readonly at: URL;
  /** False where something was given that did not go there. */
  readonly keepsHeaders: boolean;
}

async function followRedirects(request: BackupRequest, signal: AbortSignal): Promise<Answer> {
  let at = new URL('v1/backup', withSlash(request.url));
  const { origin } = at;
  const gives = [...request.headers].length > 0;
  let isSame = true;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const headers = isSame ? request.headers : new Headers();
    const response = await fetch(at, { headers, redirect: 'manual', signal }).catch(
      (error: unknown) => {
        throw failure(`${at.origin} can not be reached (${reasonOf(error)})`, error);
      },
    );
    const next = redirectOf(response, at);
    if (next === undefined) return { response, at, keepsHeaders: isSame || !gives };
    await response.body?.cancel();
    at = next;
    // Not again where one leads back: it was not the server that has been named which says so.
    isSame &&= at.origin === origin;
  }
  throw failure(`${origin} redirected more than ${redirectsMax} times`);
}

function redirectOf({ status, headers }: Response, at: URL): URL | undefined {
  const location = headers.get('location');
  if (!redirectStatuses.has(status) || location === null) return undefined;
  const next = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
  if (next?.protocol !== 'http:' && next?.protocol !== 'https:') {
    throw failure(`${at.origin} redirected to something that is no address of HTTP`);
  }
  next.username = '';
  next.password = '';
  return next;
}

/** The detail of a problem reply, where it is one. */
async function problemOf(response: Response): Promise<string | undefined> {
  if (response.headers.get('content-type') !== 'application/problem+json') return undefined;
  const problem = (await response.json().catch(() => undefined)) as
    { detail?: unknown } | undefined;
  return typeof problem?.detail === 'string' ? problem.detail : undefined;
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith('/') ? url : new URL(`${url.pathname}/`, url);
}

/** In a word or a line, for what the connection did. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}

export function failure(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, cause);
}
