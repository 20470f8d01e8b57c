// Requests of the bench are sent until they are carried out, and refusals are counted.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { send, sendOne } from '../../bench/send.ts';

interface Reply {
  readonly status: number;
  readonly body: object;
}

const batch = { method: 'POST', path: '/v1/batch', body: '{}' } as const;
const fine: Reply = { status: 200, body: { results: [{ status: 201 }, { status: 204 }] } };

let server: Server | undefined;

afterEach(() => server?.close());

/** Gives these replies in order, and the last one for good. */
async function serveReplies(...replies: readonly Reply[]): Promise<string> {
  let nth = 0;
  server = createServer((_request, response) => {
    const { status, body } = replies[Math.min(nth++, replies.length - 1)] ?? fine;
    response.writeHead(status).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const refused = (status: number): Reply => ({
  status: 200,
  body: { results: [{ status: 201 }, { status, retryAfterMs: 1 }] },
});

test('a batch of which the server refuses an operation is sent again, and counted', async () => {
  expect(await sendOne(await serveReplies(refused(503), refused(503), fine), batch)).toBe(2);
});

test('refusals of all requests are summed', async () => {
  const url = await serveReplies(refused(503), fine);
  expect(await send(url, [batch, batch, batch])).toBe(1);
});

test('a batch that is refused again and again fails', async () => {
  await expect(sendOne(await serveReplies(refused(503)), batch)).rejects.toThrow(
    '/v1/batch was refused 30 times',
  );
});

test('an operation that fails otherwise fails at once', async () => {
  await expect(sendOne(await serveReplies(refused(507), fine), batch)).rejects.toThrow(
    'an operation failed: {"status":507',
  );
  await expect(sendOne(await serveReplies({ status: 400, body: {} }), batch)).rejects.toThrow(
    '/v1/batch was answered 400',
  );
});
