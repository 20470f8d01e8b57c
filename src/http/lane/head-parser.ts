// Recognises the head of a plain request, and nothing else. It never interprets: a head that is not plain
// to the letter is handed over, so that one parser alone, node's, decides its meaning. Pure functions
// of the text; RFC 9112 has the grammar. Knows no route, and judges no value.
import type { IncomingHttpHeaders } from 'node:http';
import { knownHeader } from './known-headers.ts';

/**
 * Why a connection is handed over: its request line, its route or one of its headers is none of the lane's;
 * a line is not plain; the framing of the body is not; the head or the body is too large; bodies have no
 * room; the request comes slowly, or in many pieces; its Connection asks for more than to stay open.
 */
export const handoverReasons = [
  'request_line',
  'route',
  'header',
  'syntax',
  'framing',
  'long_head',
  'body',
  'no_room',
  'slow',
  'connection',
] as const;

export type HandoverReason = (typeof handoverReasons)[number];

export type LaneMethod = 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';

export interface RequestLine {
  readonly method: LaneMethod;
  readonly target: string;
}

/** All header lines of a request: a function of their text alone. */
export interface HeaderBlock {
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** 0 without a Content-Length. */
  readonly contentLength: number;
}

/** Characters of RFC 3986 that a target may have unencoded, apart from the brackets. */
const requestLine = /^(GET|HEAD|PUT|DELETE|POST) (\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*) HTTP\/1\.1$/;

const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7e\t]*)$/;

const lengthText = /^[0-9]{1,6}$/;

/** @returns undefined if the line is none that the lane takes */
export function parseRequestLine(line: string): RequestLine | undefined {
  const found = requestLine.exec(line);
  if (found === null) return undefined;
  return { method: found[1] as LaneMethod, target: found[2] ?? '' };
}

/**
 * @param text the header lines, without the empty line behind them
 * @returns a reason to hand the request over if any line is not plain
 */
export function parseHeaderBlock(text: string): HeaderBlock | HandoverReason {
  const headers: IncomingHttpHeaders = {};
  for (const line of text.split('\r\n')) {
    const found = fieldLine.exec(line);
    if (found === null) return 'syntax';
    const [, spelling = '', value = ''] = found;
    const name = knownHeader(spelling);
    // The framework's path joins some headers that come twice, and refuses others.
    if (name === undefined || headers[name] !== undefined) return 'header';
    // Some versions of node refuse a length with a tab behind it, and others take it.
    if (name === 'content-length' && value.includes('\t')) return 'framing';
    headers[name] = withoutEndingSpace(value);
  }
  if (headers.host === undefined) return 'framing';
  const { connection, 'content-length': length = '0' } = headers;
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return 'connection';
  if (!lengthText.test(length)) return 'framing';
  return { headers: Object.freeze(headers), contentLength: Number(length) };
}

function withoutEndingSpace(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0x20 || last === 0x09 ? value.trimEnd() : value;
}

/**
 * True if a head that is not whole yet can never be plain: it has a line feed without a carriage
 * return, or the other way round.
 */
export function hasBareLineEnd(text: string): boolean {
  return /(?:^|[^\r])\n|\r[^\n]/.test(text);
}
