// Owns the id of a request: the client's own, or one that the server makes. Every reply carries it, and
// the audit log names it. Must stay cheap: each request gets one.
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** In lower case, as a reply writes it and as a request is read. */
export const requestIdHeader = 'holdfast-request-id';

/** Safe in a header, in a line of JSON, in a log and in a shell. */
const sane = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** Another one in each process, so that two lives of a server share no id. */
const prefix = randomBytes(6).toString('base64url');

let count = 0;

export function newRequestId(): string {
  count += 1;
  return `${prefix}-${count}`;
}

/** The id that the client has given, if it is sane; else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[requestIdHeader];
  return typeof given === 'string' && sane.test(given) ? given : newRequestId();
}
