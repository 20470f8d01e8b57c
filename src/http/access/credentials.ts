// Finds the token that a request carries. Knows no token, and judges none.
import { percentDecode } from '../wire/percent-decode.ts';
import type { RequestHead } from '../wire/request-head.ts';

/** The scheme is case-insensitive (RFC 9110 section 11.1); the token is not (RFC 6750 section 2.1). */
const bearerPattern = /^[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+) *$/;

/** @param header the value of Authorization */
export function tokenOfHeader(header: string): string | undefined {
  return bearerPattern.exec(header)?.[1];
}

interface SplitTarget {
  /** The target without the parameter. */
  readonly target: string;
  /** Empty if the parameter stands more than once, or is not percent-encoded. */
  readonly token: string | undefined;
}

/** However it is spelled; undefined if it is not percent-encoded. */
function nameIn(part: string): string | undefined {
  const name = part.split('=', 1)[0] ?? '';
  return name.includes('%') ? percentDecode(name) : name;
}

function valueIn(part: string): string {
  const equals = part.indexOf('=');
  return equals === -1 ? '' : part.slice(equals + 1);
}

/** Takes a query parameter with a token out of a target, so that nothing behind sees the token. */
function splitToken(target: string, parameter: string): SplitTarget {
  const start = target.indexOf('?');
  if (start === -1) return { target, token: undefined };
  const parts = target.slice(start + 1).split('&');
  const isToken = (part: string): boolean => nameIn(part) === parameter;
  const found = parts.filter(isToken);
  if (found.length === 0) return { target, token: undefined };
  const text = found.length === 1 ? percentDecode(valueIn(found[0] ?? '')) : undefined;
  const rest = parts.filter((part) => !isToken(part)).join('&');
  const path = target.slice(0, start);
  return { target: rest === '' ? path : `${path}?${rest}`, token: text ?? '' };
}

/**
 * Takes the token out of the request's target.
 *
 * @returns undefined if there is none; empty if the parameter says none that could be valid
 */
export function takeTokenOfQuery(request: RequestHead, parameter: string): string | undefined {
  const { target, token } = splitToken(request.url ?? '', parameter);
  request.url = target;
  return token;
}
