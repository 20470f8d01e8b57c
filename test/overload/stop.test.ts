// A server that is told to stop in the middle of load stops within its deadline. Every acknowledged
// write is there after a restart.
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../support/processes/server-process.ts';
import { openServer } from './server-under-test.ts';

const deadlineMs = 6000;

function open(port: number, bytes: string): void {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
}

/**
 * Puts one key after the other until the server is gone.
 *
 * @returns the acknowledged keys
 */
async function putAll(url: string, writer: number): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let n = 0; ; n++) {
    const key = `${writer}-${n}`;
    try {
      // oxlint-disable-next-line no-await-in-loop -- one request at a time
      const reply = await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body: key });
      if (reply.ok) acknowledged.push(key);
      // oxlint-disable-next-line no-await-in-loop
      await reply.arrayBuffer();
    } catch {
      return acknowledged;
    }
  }
}

test(
  'a flood, half-sent requests and slow readers do not hold up the end',
  { timeout: 60_000 },
  async () => {
    const flags = ['--shutdown-deadline-ms', String(deadlineMs)];
    const { folder, program, url, port } = await openServer(flags);
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    await fetch(`${url}/v1/keys/large`, { method: 'PUT', body });
    for (let n = 0; n < 20; n++) {
      open(port, 'GET /v1/keys/large HTTP/1.1\r\nHost: localhost\r\n\r\n');
      open(port, 'PUT /v1/keys/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf');
      open(port, 'GET /v1/ke');
      open(port, '');
    }
    const writers = Array.from({ length: 100 }, (_, writer) => putAll(url, writer));
    const tenth = async () => (await fetch(`${url}/v1/keys/99-9`)).status;
    await expect.poll(tenth, { timeout: 30_000 }).toBe(200);
    const stoppedAt = performance.now();
    program.kill('SIGTERM');
    const exit = await program.exited;
    expect(performance.now() - stoppedAt).toBeLessThan(deadlineMs);
    expect(exit).toEqual({ code: 0, signal: null });
    const acknowledged = (await Promise.all(writers)).flat();
    expect(acknowledged.length).toBeGreaterThan(100);
    const again = await startServer(folder);
    onTestFinished(() => again.program.end());
    const operations = acknowledged.map((key) => ({ op: 'get', key }));
    for (let at = 0; at < operations.length; at += 500) {
      const batch = JSON.stringify({ operations: operations.slice(at, at + 500) });
      // oxlint-disable-next-line no-await-in-loop -- one batch at a time
      const reply = await fetch(`${again.url}/v1/batch`, { method: 'POST', body: batch });
      // oxlint-disable-next-line no-await-in-loop
      const { results } = (await reply.json()) as { results: { value?: string }[] };
      expect(results.map(({ value }) => value)).toEqual(acknowledged.slice(at, at + 500));
    }
  },
);
