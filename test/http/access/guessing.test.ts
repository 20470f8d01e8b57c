// Clients that guess tokens: a guess costs the server little and logs little, and no client with a
// valid token notices.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { openApp } from '../../support/http/open-app.ts';
import { makeToken, unknownToken } from '../../support/http/open-roles.ts';
import { sendRaw } from '../../support/http/raw-request.ts';

function spyOnHash() {
  const hash = vi.spyOn(crypto, 'hash');
  syncBuiltinESMExports();
  onTestFinished(() => {
    hash.mockRestore();
    syncBuiltinESMExports();
  });
  return hash;
}

async function openLogged() {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const opened = await openApp({ logger, access: closedAccess() });
  const { token, id } = await makeToken(opened.access, 'ann', [{ namespace: '*', role: 'write' }]);
  return { ...opened, lines, token, id };
}

type Opened = Awaited<ReturnType<typeof openLogged>>;

const guesses: readonly (readonly [string, (opened: Opened) => string])[] = [
  ['of no form', () => 'x'],
  ['of the right form', () => unknownToken],
  ['with an id that is known', ({ id }) => `hf_${id}_${'a'.repeat(43)}`],
  ['that differs in its last character', ({ token }) => `${token.slice(0, -1)}~`],
  ['that is long', () => 'x'.repeat(8000)],
  ['that has many parts', () => 'hf_'.repeat(1000)],
];

test.each(guesses)('a guess %s costs one SHA-256, and no look at the store', async (_, guess) => {
  const opened = await openLogged();
  const { url, model } = opened;
  const headers = bearer(guess(opened));
  const look = vi.spyOn(model.entries, 'get');
  const hash = spyOnHash();
  const targets = ['/v1/keys/a', '/ns/nowhere/v1/keys/a', '/upstash/get/a', '/nothing', '/docs'];
  for (const target of targets) {
    hash.mockClear();
    // oxlint-disable-next-line no-await-in-loop
    const reply = await fetch(url + target, { method: 'PUT', body: 'v', headers });
    expect([reply.status, hash.mock.calls.length]).toEqual([401, 1]);
  }
  expect(look).not.toHaveBeenCalled();
});

test('a valid token costs the same, however many users there are', async () => {
  const { url, access, token } = await openLogged();
  for (let user = 0; user < 200; user++) {
    // oxlint-disable-next-line no-await-in-loop -- administration makes one change at a time
    await makeToken(access, `user-${user}`, [{ namespace: '*', role: 'read' }]);
  }
  const hash = spyOnHash();
  for (const each of [token, fullToken]) {
    hash.mockClear();
    // oxlint-disable-next-line no-await-in-loop
    const reply = await fetch(`${url}/v1/keys/a`, { headers: bearer(each) });
    expect([reply.status, hash.mock.calls.length]).toEqual([404, 1]);
  }
});

test('a request without a token costs none', async () => {
  const { url } = await openLogged();
  const hash = spyOnHash();
  expect((await fetch(`${url}/v1/keys/a`)).status).toBe(401);
  expect(hash).not.toHaveBeenCalled();
});

test('a guess is refused before its body is read', async () => {
  const { port } = await openLogged();
  const lines = ['PUT /v1/keys/a HTTP/1.1', 'Host: x', `Authorization: Bearer ${unknownToken}`];
  const head = [...lines, 'Content-Length: 1000', 'Expect: 100-continue', 'Connection: close'];
  expect((await sendRaw(port, `${head.join('\r\n')}\r\n\r\n`)).status).toBe(401);
});

function nthGuess(index: number): string {
  return `hf_${String(index).padStart(12, '0')}_${'s'.repeat(43)}`;
}

test('many guesses leave one line in the log, without a token', async () => {
  const { url, lines, token } = await openLogged();
  const statuses = new Set<number>();
  for (let index = 0; index < 300; index++) {
    // oxlint-disable-next-line no-await-in-loop
    const reply = await fetch(`${url}/upstash/get/a?_token=${nthGuess(index)}`);
    statuses.add(reply.status);
  }
  expect([...statuses]).toEqual([401]);
  expect(lines).toHaveLength(1);
  expect(lines.join('')).not.toMatch(/hf_|sss|127\.0\.0\.1/);
  // No address is shut out, so no client suffers for another one.
  expect((await fetch(`${url}/v1/keys`, { headers: bearer(token) })).status).toBe(200);
});

test('a valid token is served while others guess', async () => {
  const { url, token } = await openLogged();
  const guess = async () =>
    (await fetch(`${url}/v1/keys`, { headers: bearer(unknownToken) })).status;
  const ask = async () => (await fetch(`${url}/v1/keys`, { headers: bearer(token) })).status;
  const seen = await Promise.all(
    Array.from({ length: 60 }, (_, index) => (index % 6 === 0 ? ask() : guess())),
  );
  expect(seen.filter((status) => status === 200)).toHaveLength(10);
  expect(seen.filter((status) => status === 401)).toHaveLength(50);
});
