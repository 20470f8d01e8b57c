// Writes the headers that let web pages of allowed origins use the server (Fetch standard, CORS
// protocol). Never allows credentials: a page has to send its token itself. Judges no origin.
import { emptyAnswer, type Answer } from '../wire/answer.ts';

/** Names and values by turns, as `writeHead` takes them. */
export type HeaderPairs = readonly string[];

const methods = 'GET, HEAD, POST, PUT, DELETE';

const requestHeaders = [
  'Authorization',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'Idempotency-Key',
  'Holdfast-Namespace',
  'Holdfast-Request-Id',
  'Upstash-Encoding',
  'Upstash-Response-Format',
  'Upstash-Sync-Token',
  'Upstash-Telemetry-Platform',
  'Upstash-Telemetry-Runtime',
  'Upstash-Telemetry-Sdk',
  'X-TTL',
];

/** A browser hides all other headers from the page. No wildcard: it does not cover every browser. */
const exposedHeaders = [
  'ETag',
  'Retry-After',
  'Holdfast-Durability',
  'Holdfast-Expires-At',
  'Holdfast-Request-Id',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Idempotent-Replayed',
  'Upstash-Sync-Token',
  'X-TTL',
].join(', ');

/** For a reply to a page of another origin than those allowed, and to a client that is no page. */
export const varyByOrigin: HeaderPairs = ['vary', 'Origin'];

/** @param origin that of the page, or `*` */
export function corsHeaders(origin: string): HeaderPairs {
  return [
    'access-control-allow-origin',
    origin,
    'access-control-expose-headers',
    exposedHeaders,
    ...varyByOrigin,
  ];
}

/** Browsers ask again after this many seconds. */
const maxAgeSeconds = 600;

export interface Preflight {
  /** The value of Access-Control-Request-Headers. */
  readonly asked: string;
  /** True if the page is of the public network, and the server of a private one. */
  readonly isPrivateNetwork: boolean;
}

/** The answer to a page's question whether it may send a request. */
export function preflightAnswer({ asked, isPrivateNetwork }: Preflight): Answer {
  const upstash = asked.match(/\bupstash-[a-z0-9-]+/gi) ?? [];
  const known = new Set(requestHeaders.map((name) => name.toLowerCase()));
  const others = upstash.filter((name) => !known.has(name.toLowerCase()));
  return emptyAnswer(204, {
    'access-control-allow-methods': methods,
    'access-control-allow-headers': [...requestHeaders, ...new Set(others)].join(', '),
    'access-control-max-age': String(maxAgeSeconds),
    ...(isPrivateNetwork ? { 'access-control-allow-private-network': 'true' } : {}),
  });
}
