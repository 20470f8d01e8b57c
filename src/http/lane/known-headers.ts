// The request headers that the lane knows: the same code reads them on both paths, or no code does. A
// request with any other header is handed over. Judges no value.

/** Read by handlers, by the gate, or for the framing of a body. */
const read = [
  'accept',
  'authorization',
  'connection',
  'content-length',
  'holdfast-namespace',
  'holdfast-request-id',
  'host',
  'if-match',
  'if-none-match',
  'origin',
  'sec-fetch-site',
  'upstash-encoding',
  'upstash-response-format',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const;

/** Sent by clients and proxies, and without a meaning for this server. */
const ignored = [
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'baggage',
  'cache-control',
  'cdn-loop',
  'cf-connecting-ip',
  'cf-ipcountry',
  'cf-ray',
  'cf-visitor',
  'content-type',
  'cookie',
  'dnt',
  'forwarded',
  'if-modified-since',
  'if-unmodified-since',
  'pragma',
  'priority',
  'referer',
  'save-data',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-user',
  'sec-gpc',
  'traceparent',
  'tracestate',
  'upstash-sync-token',
  'upstash-telemetry-platform',
  'upstash-telemetry-runtime',
  'upstash-telemetry-sdk',
  'user-agent',
  'via',
  'x-amzn-trace-id',
  'x-correlation-id',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
  'x-request-id',
  'x-requested-with',
] as const;

const known: ReadonlyMap<string, string> = new Map(
  [...read, ...ignored].map((name) => [name, name]),
);

/** Spellings that clients use, each with the name in lower case, so that few names need converting. */
const bySpelling = new Map<string, string>(known);

const spellingsMax = 1024;

/** @returns the name in lower case; undefined if the lane does not know the header */
export function knownHeader(spelling: string): string | undefined {
  const standing = bySpelling.get(spelling);
  if (standing !== undefined) return standing;
  const name = known.get(spelling.toLowerCase());
  if (name !== undefined && bySpelling.size < spellingsMax) bySpelling.set(spelling, name);
  return name;
}
