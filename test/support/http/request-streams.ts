// Random bytes as clients, proxies and attackers send them on one connection: plain requests, odd ones,
// requests whose framing two parsers may understand in two ways, and damaged bytes.
import { pickFrom, randomBelow, type Random } from '../random.ts';

export interface RequestStream {
  /** One character a byte. */
  readonly bytes: string;
  /** Lengths of the pieces in which the bytes are sent; the rest comes in one more piece. */
  readonly pieces: readonly number[];
}

const keys = ['a', 'b', 'c', 'key%20d', '%C3%A4', 'e/f'];
const values = ['', 'v', 'hello', '{"json":1}', 'x'.repeat(700), 'GET /v1/keys/a HTTP/1.1\r\n\r\n'];

const oddTargets = [
  '/v1/keys',
  '/v1/keys/',
  '/v1/keys/%zz',
  '/v1/keys/%FF',
  '/v1/keys/a?',
  '/v1/keys/a?x=1',
  '/v1/keys/a?ttl=0',
  '/v1/keys/a?wait=0',
  '/v1/keys/b?wait=1ms',
  '/v1/keys/a?wait=6m',
  '/v1//keys/a',
  '/v1/keys/a#b',
  '/v1/keys/a b',
  '/v1/keys/../keys/a',
  '/v1/keys/a\\b',
  '/v1/keys/a"b',
  '/v1/keys/\u{e4}',
  '/ns/app/v1/keys/a?ttl=10s',
  '/ns//v1/keys/a',
  '/ns/a%62/v1/keys/a',
  '/NS/app/v1/keys/a',
  '/ns/app/ns/app/v1/keys/a',
  '/ns/app/livez',
  'http://localhost/v1/keys/a',
  'http://evil.example/v1/keys/a',
  '//localhost/v1/keys/a',
  '*',
  '',
  '/livez',
  '/upstash/get/a',
  '/upstash/',
  '/upstash?_token=abcdefghijklmnop',
  '/unstorage/app/a',
  '/nothing',
];

const plainHeaders = [
  'Accept: */*',
  'Accept: text/plain',
  'Accept: application/json, text/plain;q=0.5',
  'accept-encoding: gzip, deflate, br',
  'Accept-Language: *',
  'User-Agent: curl/8.5.0',
  'Connection: keep-alive',
  'connection: Keep-Alive',
  'Content-Type: application/json',
  'Cookie: a=b; c=d',
  'sec-fetch-mode: cors',
  'Sec-Fetch-Site: none',
  'Upstash-Telemetry-Sdk: @upstash/redis@v1.34.0',
  'Upstash-Sync-Token: abc.1',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'X-Forwarded-For: 10.0.0.1',
  'X-Forwarded-Proto: https',
  'If-None-Match: *',
  'If-None-Match: "1", "2"',
  'If-Match: "1"',
  'If-Match: *',
  'Holdfast-Namespace: app',
  'Holdfast-Request-Id: job/17',
];

const oddHeaders = [
  'Accept: text/html',
  'If-Match: nonsense',
  'If-Match: "1"\r\nIf-Match: "2"',
  'Origin: https://app.example',
  'Origin: https://evil.example',
  'Origin: null',
  'Sec-Fetch-Site: cross-site',
  'Host: evil.example',
  'Host: localhost',
  'Host:',
  'Holdfast-Namespace: a b',
  'Holdfast-Namespace: other',
  'Holdfast-Request-Id: two words',
  'Holdfast-Request-Id:',
  'Idempotency-Key: "one"',
  'Idempotency-Key: two',
  'Connection: close',
  'Connection: keep-alive, close',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: something',
  'TE: trailers',
  'Trailer: x',
  'Content-Encoding: gzip',
  'Content-Encoding: identity',
  'Content-Range: bytes 0-1/2',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'transfer-encoding: \x0bchunked',
  'Transfer-Encoding : chunked',
  'Content-Length: 0',
  'Content-Length: 1',
  'Content-Length: +1',
  'Content-Length: 1, 1',
  'Content-Length: 0x1',
  'Content-Length: 99999999',
  'Content-Length : 1',
  ' folded: yes',
  'X-Folded: a\r\n b',
  'X-Bare: a\nX-Other: b',
  'X-Return: a\rb',
  'no colon here',
  ': no name',
  'X-Null: a\0b',
  'X-High: \u{e4}\u{ff}',
  'X-Tab: a\tb',
  'X-Trailing: a  \t ',
  `X-Long: ${'l'.repeat(9000)}`,
  'X-Unknown: 1',
  'Authorization: Bearer wrong-token-of-a-client',
  'Authorization: Basic abc',
  'Upstash-Encoding: base64',
  'Upstash-Response-Format: resp2',
  'Upstash-Response-Format: wrong',
  'x-ttl: 5',
];

const oddVersions = ['HTTP/1.0', 'HTTP/1.0', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1'];

const commands = [
  '["SET","a","1"]',
  '["GET","a"]',
  '["INCR","n"]',
  '["GET"]',
  '[["SET","b","2"],["GET","b"],["NOPE"]]',
  '[["INCR","n"],["INCR","n"]]',
  '[]',
  'no json',
  '{"a":1}',
];

/** Longer streams are not cut at each of their bytes, so that more of the others are. */
const cutBytesMax = 400;

function chance(random: Random, part: number): boolean {
  return random() < part;
}

function some<Item>(random: Random, items: readonly Item[], countMax: number): Item[] {
  return Array.from({ length: randomBelow(random, countMax + 1) }, () => pickFrom(random, items));
}

export class RequestStreams {
  readonly #random: Random;
  readonly #authorization: readonly string[];

  /** @param token sent by most requests; undefined if the server needs none */
  constructor(random: Random, token: string | undefined) {
    this.#random = random;
    this.#authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  }

  next(): RequestStream {
    const random = this.#random;
    const requests = Array.from({ length: 1 + randomBelow(random, 4) }, () => this.#request());
    const bytes = this.#damaged(requests.join(''));
    return { bytes, pieces: this.#piecesOf(bytes) };
  }

  /**
   * Streams of a few requests of the same bytes, cut in two at each byte in turn.
   *
   * @param countMin streams in all, at least
   */
  *cutAtEachByte(countMin: number): Generator<RequestStream> {
    for (let count = 0; count < countMin;) {
      const { bytes } = this.next();
      if (bytes.length > cutBytesMax) continue;
      for (let at = 1; at < bytes.length; at += 1) {
        yield { bytes, pieces: [at] };
        count += 1;
      }
    }
  }

  #request(): string {
    const random = this.#random;
    const isCommand = chance(random, 0.2);
    const method = this.#method(isCommand);
    const target = this.#target(isCommand);
    const body = this.#body(method, isCommand);
    const headers = some(random, plainHeaders, 4);
    if (chance(random, 0.95)) headers.unshift('Host: localhost');
    if (chance(random, 0.9)) headers.push(...this.#authorization);
    if (chance(random, 0.25)) headers.push(pickFrom(random, oddHeaders));
    if (body !== '' || chance(random, 0.2)) headers.push(this.#lengthOf(body));
    const version = chance(random, 0.95) ? 'HTTP/1.1' : pickFrom(random, oddVersions);
    // Else HTTP/1.0 ends the connection, and nothing behind it matters.
    if (version === 'HTTP/1.0' && chance(random, 0.6)) headers.push('Connection: keep-alive');
    const end = chance(random, 0.98) ? '\r\n' : '\n';
    return `${[`${method} ${target} ${version}`, ...headers].join(end)}${end}${end}${body}`;
  }

  #method(isCommand: boolean): string {
    const random = this.#random;
    if (chance(random, 0.04))
      return pickFrom(random, ['PATCH', 'OPTIONS', 'get', 'TRACE', 'G ET', '']);
    return isCommand
      ? 'POST'
      : pickFrom(random, ['GET', 'GET', 'HEAD', 'PUT', 'PUT', 'DELETE', 'POST']);
  }

  #target(isCommand: boolean): string {
    const random = this.#random;
    if (chance(random, 0.15)) return pickFrom(random, oddTargets);
    if (isCommand) return pickFrom(random, ['/upstash', '/upstash/pipeline', '/ns/app/upstash']);
    const namespace = chance(random, 0.2) ? '/ns/app' : '';
    const query = chance(random, 0.1) ? '?ttl=1d' : '';
    return `${namespace}/v1/keys/${pickFrom(random, keys)}${query}`;
  }

  #body(method: string, isCommand: boolean): string {
    const random = this.#random;
    if (isCommand) return pickFrom(random, commands);
    if (method === 'PUT') return pickFrom(random, values);
    return chance(random, 0.03) ? 'unexpected' : '';
  }

  #lengthOf(body: string): string {
    const random = this.#random;
    const name = pickFrom(random, ['Content-Length', 'content-length']);
    if (chance(random, 0.95)) return `${name}: ${body.length}`;
    return `${name}: ${Math.max(0, body.length + pickFrom(random, [-2, -1, 1, 2, 30]))}`;
  }

  /** Most streams stay as they are; the others lose, get or change a few bytes. */
  #damaged(bytes: string): string {
    const random = this.#random;
    if (chance(random, 0.8)) return bytes;
    let damaged = bytes;
    for (let count = 1 + randomBelow(random, 3); count > 0; count--) {
      const at = randomBelow(random, damaged.length);
      const byte = chance(random, 0.5)
        ? pickFrom(random, ['\r', '\n', '\r\n', ' ', '\t', ':', '\0', '%', '/', '?', '0', ','])
        : String.fromCharCode(randomBelow(random, 256));
      const cut = randomBelow(random, 2);
      damaged = damaged.slice(0, at) + (chance(random, 0.6) ? byte : '') + damaged.slice(at + cut);
    }
    return damaged;
  }

  #piecesOf(bytes: string): number[] {
    const random = this.#random;
    if (chance(random, 0.5)) return [];
    // Waiting for each single byte is slow, so only short streams come byte by byte.
    if (bytes.length < 200 && chance(random, 0.1)) return Array(bytes.length).fill(1);
    return Array.from({ length: 1 + randomBelow(random, 4) }, () => 1 + randomBelow(random, 200));
  }
}
