// Requests with the heads that real clients and proxies send stay in the fast lane.
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { handoverReasons } from '../../../src/http/lane/head-parser.ts';
import { openApp } from '../../support/http/open-app.ts';
import { parseReplies } from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';

const get = 'GET /v1/keys/greeting HTTP/1.1';
const put = 'PUT /v1/keys/greeting HTTP/1.1';

const plain: readonly (readonly [client: string, lines: readonly string[], body: string])[] = [
  ['curl', [get, 'Host: 127.0.0.1:7411', 'User-Agent: curl/7.88.1', 'Accept: */*'], ''],
  [
    'curl that puts',
    [
      'PUT /v1/keys/greeting?ttl=90s HTTP/1.1',
      'Host: 127.0.0.1:7411',
      'User-Agent: curl/7.88.1',
      'Accept: */*',
      'Content-Length: 5',
      'Content-Type: application/x-www-form-urlencoded',
    ],
    'hello',
  ],
  [
    'fetch of Node (undici)',
    [
      put,
      'host: 127.0.0.1:7411',
      'connection: keep-alive',
      'content-type: text/plain;charset=UTF-8',
      'accept: */*',
      'accept-language: *',
      'sec-fetch-mode: cors',
      'user-agent: node',
      'accept-encoding: gzip, deflate',
      'content-length: 5',
    ],
    'hello',
  ],
  ['undici.request', [get, 'host: 127.0.0.1:7411', 'connection: keep-alive'], ''],
  [
    '@upstash/redis',
    [
      'POST /upstash HTTP/1.1',
      'host: 127.0.0.1:7411',
      'connection: keep-alive',
      'Upstash-Telemetry-Runtime: node@v20.20.2',
      'Upstash-Telemetry-Platform: unknown',
      'Upstash-Telemetry-Sdk: @upstash/redis@v1.39.0',
      'Content-Type: application/json',
      'upstash-sync-token: brFRe36_dWk6.0',
      'Authorization: Bearer any-token-of-an-open-server',
      'accept: */*',
      'accept-language: *',
      'sec-fetch-mode: cors',
      'user-agent: node',
      'accept-encoding: gzip, deflate',
      'content-length: 18',
    ],
    '["get","greeting"]',
  ],
  [
    '@upstash/redis with a pipeline in base64',
    [
      'POST /upstash/pipeline HTTP/1.1',
      'host: 127.0.0.1:7411',
      'connection: keep-alive',
      'Upstash-Encoding: base64',
      'Content-Type: application/json',
      'content-length: 20',
    ],
    '[["get","greeting"]]',
  ],
  [
    'fetch of a browser, same origin',
    [
      get,
      'Host: localhost:7411',
      'Connection: keep-alive',
      'sec-ch-ua-platform: "Linux"',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
      'sec-ch-ua: "Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
      'sec-ch-ua-mobile: ?0',
      'Accept: */*',
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Mode: cors',
      'Sec-Fetch-Dest: empty',
      'Referer: http://localhost:7411/docs',
      'Accept-Encoding: gzip, deflate, br, zstd',
      'Accept-Language: en-US,en;q=0.9',
    ],
    '',
  ],
  [
    'Python requests',
    [
      get,
      'Host: 127.0.0.1:7411',
      'User-Agent: python-requests/2.32.3',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
    ],
    '',
  ],
  [
    'Go',
    [
      put,
      'Host: 127.0.0.1:7411',
      'User-Agent: Go-http-client/1.1',
      'Content-Length: 5',
      'Accept-Encoding: gzip',
    ],
    'hello',
  ],
  [
    'Caddy as a proxy',
    [
      get,
      'Host: 127.0.0.1:7411',
      'User-Agent: curl/7.88.1',
      'Accept: */*',
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Host: localhost',
      'X-Forwarded-Proto: https',
      'Accept-Encoding: gzip',
    ],
    '',
  ],
  [
    'nginx as a proxy',
    [
      get,
      'Host: localhost',
      'X-Real-IP: 192.0.2.7',
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: https',
      'User-Agent: curl/7.88.1',
      'Accept: */*',
    ],
    '',
  ],
];

test.each(plain)('a request of %s is answered in the lane', async (_, lines, body) => {
  const { port, url } = await openApp({ fastLane: true });
  const socket = connectToPort(port);
  onTestFinished(() => void socket.destroy());
  const request = [...lines, '', body].join('\r\n');
  // The body comes in a packet of its own, as from some clients.
  const headBytes = request.length - body.length;
  socket.write(request.slice(0, headBytes));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(request.slice(headBytes));
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const [reply] = parseReplies(chunk.toString('latin1'));
  expect([200, 201, 404]).toContain(reply?.status);
  expect(await handovers(url)).toEqual({});
});

/** Handovers by reason, without that of the request that asks for them. */
async function handovers(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = handoverReasons.map((reason) => {
    const line = new RegExp(`^holdfast_lane_handovers_total\\{reason="${reason}"\\} (\\d+)$`, 'm');
    const count = Number(line.exec(text)?.[1]) - (reason === 'route' ? 1 : 0);
    return [reason, count] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}

test('connections that are handed over are counted by the reason', async () => {
  const { port, url } = await openApp({ fastLane: true });
  const closing = connectToPort(port);
  closing.write('GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await once(closing, 'data');
  const unknown = connectToPort(port);
  onTestFinished(() => void unknown.destroy());
  unknown.write('GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nX-Unknown: 1\r\n\r\n');
  await once(unknown, 'data');
  expect(await handovers(url)).toEqual({ connection: 1, header: 1 });
});
