import { expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { sendRaw } from '../../support/http/raw-request.ts';

test.each([
  ['/upstash/get/a', 'application/json'],
  ['/ns/app/upstash/get/a', 'application/json'],
  ['/ns/app/v1/keys/a', 'application/problem+json'],
  ['/unstorage/default/a', 'application/problem+json'],
  ['/v1/keys/a', 'application/problem+json'],
  ['/elsewhere', 'application/problem+json'],
])('a malformed request to %s is refused as %s', async (target, mediaType) => {
  const { port } = await openApp();
  const reply = await sendRaw(
    port,
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n`,
  );
  expect(reply.status).toBe(400);
  expect(reply.headers['content-type']).toBe(mediaType);
});

test('a malformed chunk under /upstash is refused in the format of /upstash', async () => {
  const { port } = await openApp();
  const head = 'POST /upstash HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
  const reply = await sendRaw(port, `${head}not a size\r\n`);
  expect(reply.status).toBe(400);
  expect(reply.headers['content-type']).toBe('application/json');
});
