// Asks a server for its backup over HTTP, and follows redirects. Sends the operator's headers and
// token to that origin only, never to another. Knows no file and no backup format.
import { systemErrorCode } from '../base/errors.ts';
import { CommandError, exitCodes } from './command-error.ts';
import { urlBelow, withPathAdvice, type ServerRequest } from './server-request.ts';

export type Body = AsyncIterable<Uint8Array>;

const mediaType = 'application/x-ndjson';
const redirectsMax = 5;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * @param namespace the only namespace to back up; undefined: all of them
 * @throws CommandError if the answer is not a backup
 */
export async function fetchBackup(
  request: ServerRequest,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Body> {
  const { response, at, keepsHeaders } = await followRedirects(request, namespace, signal);
  const { status, body, headers } = response;
  if (status === 200 && body !== null && headers.get('content-type') === mediaType) return body;
  const problem = await problemOf(response);
  const without = keepsHeaders
    ? ''
    : `; it was redirected to, so that no header or token was sent there`;
  const detail =
    problem === undefined
      ? `${at.origin}${at.pathname} answered ${status}, but not as a Holdfast server that takes backups`
      : `${at.origin} refused with ${status}: ${problem.detail}`;
  const shown = isNoRoute(response, problem) ? withPathAdvice(detail, request.url) : detail;
  throw failure(`${shown}${without}`);
}

interface Answer {
  readonly response: Response;
  readonly at: URL;
  /** False if the operator gave headers that were not sent to `at`. */
  readonly keepsHeaders: boolean;
}

async function followRedirects(
  request: ServerRequest,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  let at = urlBelow(request.url, 'v1/backup');
  if (namespace !== undefined) at.searchParams.set('namespace', namespace);
  const { origin } = at;
  const gives = [...request.headers].length > 0;
  let isSame = true;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const headers = isSame ? request.headers : new Headers();
    const response = await fetch(at, { headers, redirect: 'manual', signal }).catch(
      (error: unknown) => {
        throw failure(`${at.origin} cannot be reached (${reasonOf(error)})`, error);
      },
    );
    const next = redirectOf(response, at);
    if (next === undefined) return { response, at, keepsHeaders: isSame || !gives };
    await response.body?.cancel();
    at = next;
    // Stays false if a redirect leads back: another server than the one named has asked for that.
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

/** A key may have the name of the path of backups. */
function isNoRoute({ status }: Response, problem: Problem | undefined): boolean {
  return status === 404 && problem?.code !== 'NAMESPACE_NOT_FOUND';
}

interface Problem {
  readonly code: unknown;
  readonly detail: string;
}

/** Undefined if the reply is no problem document. */
async function problemOf(response: Response): Promise<Problem | undefined> {
  if (response.headers.get('content-type') !== 'application/problem+json') return undefined;
  const problem = (await response.json().catch(() => undefined)) as
    { code?: unknown; detail?: unknown } | undefined;
  if (typeof problem?.detail !== 'string') return undefined;
  return { code: problem.code, detail: problem.detail };
}

/** The reason for a failed connection, as a system error code or one line. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}

export function failure(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, cause);
}
