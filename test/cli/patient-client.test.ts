import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PatientClient } from '../../src/cli/patient-client.ts';
import { serverRequest } from '../../src/cli/server-request.ts';

type Listener = (request: IncomingMessage, reply: ServerResponse, count: number) => void;

interface Opened {
  readonly client: PatientClient;
  /** The time of each wait, in milliseconds. */
  readonly waits: number[];
  readonly told: string[];
  readonly controller: AbortController;
  readonly requests: () => number;
}

interface Opening {
  readonly wallMs?: () => number;
  readonly silenceMs?: number;
  readonly onTold?: () => void;
}

async function open(listener: Listener, opening: Opening = {}): Promise<Opened> {
  const { wallMs = Date.now, silenceMs, onTold } = opening;
  let requests = 0;
  const server = createServer((request, reply) => {
    requests += 1;
    listener(request, reply, requests);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/below`;
  const request = serverRequest({ url, header: ['X-Key: 1'], token: 'secret' }, {});
  const waits: number[] = [];
  const controller = new AbortController();
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const { signal } = controller;
  const told: string[] = [];
  const tell = (line: string): void => {
    told.push(line.replace(String(port), 'PORT'));
    onTold?.();
  };
  const client = new PatientClient({ request, signal, wallMs, tell, sleep, silenceMs });
  return { client, waits, told, controller, requests: () => requests };
}

const wallMsOf2030 = (): number => Date.UTC(2030, 0, 1);

describe('a patient client', () => {
  test('sends headers, token and body below the path of the address', async () => {
    const { client } = await open((request, reply) => {
      const { method, url, headers } = request;
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        reply.end(
          JSON.stringify({ method, url, body, by: [headers['x-key'], headers.authorization] }),
        );
      });
    });
    const by = ['1', 'Bearer secret'];
    expect(await client.post('v1/batch', '[]')).toEqual({
      status: 200,
      json: { method: 'POST', url: '/below/v1/batch', body: '[]', by },
    });
    expect(await client.get('v1/keys?limit=1')).toEqual({
      status: 200,
      json: { method: 'GET', url: '/below/v1/keys?limit=1', body: '', by },
    });
  });

  test('gives any other answer at once, also one that is no JSON', async () => {
    const { client, waits } = await open((_, reply) => reply.writeHead(507).end('<html>'));
    expect(await client.get('x')).toEqual({ status: 507, json: undefined });
    expect(waits).toEqual([]);
  });

  test.each([429, 502, 503, 504])('tries again after %i, as late as it asks', async (status) => {
    const { client, waits } = await open((_, reply, count) => {
      if (count === 4) reply.end('{"ok":true}');
      else reply.writeHead(status, count === 2 ? { 'retry-after': '7' } : {}).end();
    });
    expect(await client.get('x')).toEqual({ status: 200, json: { ok: true } });
    expect(waits).toEqual([250, 7000, 1000]);
  });

  test('tries again if the connection is cut, before an answer or in it', async () => {
    const { client, waits } = await open((request, reply, count) => {
      if (count === 1) request.socket.destroy();
      else if (count === 2) reply.writeHead(200).write('{"ok"', () => reply.destroy());
      else reply.end('{"ok":true}');
    });
    expect(await client.post('x', '{}')).toEqual({ status: 200, json: { ok: true } });
    expect(waits).toEqual([250, 500]);
  });

  test('gives up after 12 tries, with the last reason', async () => {
    const { client, waits, requests } = await open((_, reply) => {
      reply.writeHead(503, { 'retry-after': '999' }).end('{"detail":"It is full."}');
    });
    await expect(client.get('x')).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:\d+ refused with 503: It is full\.; 12 tries have failed$/,
    );
    expect(requests()).toBe(12);
    expect(waits).toEqual(Array.from({ length: 11 }, () => 60_000));
  });

  test('says of each wait of a second or more why it is, and until when', async () => {
    const { client, told } = await open(
      (request, reply, count) => {
        if (count < 5) request.socket.destroy();
        else if (count === 5) reply.writeHead(503, { 'retry-after': '7' }).end();
        else reply.end('{}');
      },
      { wallMs: wallMsOf2030 },
    );
    await client.get('x');
    const reason = 'http://127.0.0.1:PORT cannot be reached (';
    const waiting = 'waiting for the server, until about';
    expect(told).toEqual([
      expect.stringContaining(`${waiting} 2030-01-01T00:01:05Z; next try in 1 s: ${reason}`),
      expect.stringContaining(`${waiting} 2030-01-01T00:01:04Z; next try in 2 s: ${reason}`),
      `${waiting} 2030-01-01T00:01:05Z; next try in 7 s: http://127.0.0.1:PORT refused with 503`,
    ]);
  });

  test('says that a server gives no answer yet', async () => {
    const replies: ServerResponse[] = [];
    const { client, told } = await open((_, reply) => void replies.push(reply), {
      wallMs: wallMsOf2030,
      silenceMs: 5,
      onTold: () => replies.pop()?.end('{}'),
    });
    await client.get('x');
    expect(new Set(told)).toEqual(
      new Set([
        'waiting for the server, in this try until 2030-01-01T00:05:00Z: http://127.0.0.1:PORT gives no answer yet',
      ]),
    );
  });

  test('sends nothing on to another address', async () => {
    const { client, requests } = await open((_, reply) => {
      reply.writeHead(307, { location: '/elsewhere' }).end();
    });
    await expect(client.post('x', '{}')).rejects.toThrow(/redirects to another address; allowed/);
    expect(requests()).toBe(1);
  });

  test('ends at once when the command is interrupted', async () => {
    const { client, controller, waits } = await open(() => controller.abort());
    await expect(client.get('x')).rejects.toThrow(/abort/);
    expect(waits).toEqual([]);
  });

  test('knows the clock of the server if it differs by more than the header tells', async () => {
    let wallMs = 1_000_000_000_000;
    let aheadMs = 0;
    const { client } = await open(
      (_, reply) => {
        const date = new Date(Math.floor((wallMs + aheadMs) / 1000) * 1000);
        reply.setHeader('date', date.toUTCString()).end('{}');
      },
      { wallMs: () => wallMs },
    );
    expect(client.serverMs()).toBe(wallMs);
    for (const [ahead, known] of [
      [1500, 0],
      [3_600_000, 3_600_000],
      [-60_000, -60_000],
    ] as const) {
      aheadMs = ahead;
      await client.get('x');
      wallMs += 500;
      expect(client.serverMs()).toBe(wallMs + known);
      wallMs -= 500;
    }
  });
});
