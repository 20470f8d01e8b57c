// Splits request targets itself: a router that decodes, normalises or limits paths would change
// keys. The router sees one fixed target for all keys; the key stays in the original target. Knows
// the place of a key in the target. Must not know what a valid key is.
import type { IncomingMessage } from 'node:http';
import { StoreError } from '../../base/errors.ts';
import { headerLinesMax } from '../limits.ts';
import type { HttpRequest } from './request-head.ts';

/** A family of routes whose targets contain names that no router may touch. */
export interface Mount {
  readonly prefix: string;
  /** The label of its routes in metrics. */
  readonly route: string;
  /** The target that the router gets for every path with the prefix; its routes are for it. */
  readonly target: string;
}

/** The router cannot decode this, so the request goes to the handler of unroutable requests. */
export const unroutableTarget = '/%';

/** Clients that take us for a proxy send the absolute form (RFC 9112 section 3.2.2). */
const schemeAndAuthority = /^https?:\/\/[^/?#]*/i;

export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const path = target.replace(schemeAndAuthority, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** @param header in lower case */
function linesOf(header: string, { rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === header.length && name.toLowerCase() === header) count += 1;
  }
  return count;
}

function malformed(detail: string): StoreError {
  return new StoreError('BAD_REQUEST', detail);
}

/**
 * Finds faults that node's parser passes and a server must refuse (RFC 9112 sections 2.3, 3.2 and
 * 6.1).
 */
export function faultOfHead(request: IncomingMessage): StoreError | undefined {
  const { httpVersion, headers, rawHeaders } = request;
  const isOld = httpVersion === '1.0';
  if (!isOld && httpVersion !== '1.1') return malformed('Only HTTP/1.1 and HTTP/1.0 are spoken.');
  if (rawHeaders.length >= 2 * headerLinesMax) {
    const detail = `A request may have fewer than ${headerLinesMax} header lines.`;
    return new StoreError('HEADERS_TOO_LARGE', detail, { limit: headerLinesMax });
  }
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (isOld) return malformed('A request of HTTP/1.0 has no Transfer-Encoding.');
    // Node decodes only chunked and would leave any other coding on the body.
    const isChunked = coding.trim().toLowerCase() === 'chunked';
    if (!isChunked) return malformed('Only Transfer-Encoding: chunked is taken.');
  }
  // Node keeps the first of two, and a proxy before it may have judged the last.
  if (headers.authorization !== undefined && linesOf('authorization', request) > 1) {
    return malformed('A request has one Authorization header, not several.');
  }
  const hosts = linesOf('host', request);
  if (hosts > 1) return malformed('A request has one Host header, not several.');
  return hosts === 1 || isOld ? undefined : malformed('HTTP/1.1 asks for a Host header.');
}

export function pathOfTarget(target: string): string {
  const path = originForm(target);
  const end = path.indexOf('?');
  return end === -1 ? path : path.slice(0, end);
}

/** The text after `?`, still encoded; empty if there is none. */
export function queryText(request: HttpRequest): string {
  const start = request.originalUrl.indexOf('?');
  return start === -1 ? '' : request.originalUrl.slice(start + 1);
}

/** The name after the prefix of a mount, still encoded. */
export function nameText(request: HttpRequest, { prefix }: Mount): string {
  return pathOfTarget(request.originalUrl).slice(prefix.length);
}
