// Asks servers that answer in many ways; and the command as typed, beside a real server.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { askReadiness, targetOf, type ReadinessTarget } from '../../src/cli/ask-readiness.ts';
import { exitCodeOf } from '../../src/cli/command-error.ts';
import { freePort } from '../support/processes/process-facts.ts';
import { serveInTest } from '../support/processes/server-of-test.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';

const longMs = 20_000;

async function listening(server: Server): Promise<ReadinessTarget> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { scheme: 'http', host: '127.0.0.1', port };
}

const answering = (listener: RequestListener): Promise<ReadinessTarget> =>
  listening(createServer(listener));

const replying = (status: number, body: string): Promise<ReadinessTarget> =>
  answering((_, response) => void response.writeHead(status).end(body));

/** The exit code, and the one line that says why the server does not serve. */
async function verdictOf(target: ReadinessTarget, timeoutMs = longMs): Promise<[number, string]> {
  try {
    await askReadiness(target, timeoutMs);
    return [0, ''];
  } catch (error) {
    return [exitCodeOf(error), String(error).replace(/^CommandError: http:\/\/127[\d.:]+ /, '')];
  }
}

describe('a server serves', () => {
  test('if GET /readyz answers 200 and says so, with reasons or without', async () => {
    const asked: (string | undefined)[] = [];
    const target = await answering((request, response) => {
      asked.push(request.method, request.url, request.headers.authorization);
      response.end(asked.length > 3 ? '{"ready":true}' : '{"ready":true,"shards":[]}');
    });
    expect(await verdictOf(target)).toEqual([0, '']);
    expect(await verdictOf(target)).toEqual([0, '']);
    expect(asked).toEqual(['GET', '/readyz', undefined, 'GET', '/readyz', undefined]);
  });

  test.each([
    [
      503,
      '{"ready":false,"reason":"The server is stopping.","shards":[{"shard":0,"state":"serving"}]}',
      'is not ready: The server is stopping.',
    ],
    [
      503,
      '{"ready":false,"shards":[{"shard":0,"state":"serving"},{"shard":1,"state":"suspended","reason":"a\\nsync failed"}]}',
      String.raw`is not ready: shard 1 is suspended: a\u000async failed`,
    ],
    [503, '{"ready":false}', 'is not ready: it gives no reason'],
    [503, '{"status":503,"detail":"Too busy."}', 'refused with 503: Too busy.'],
    [503, 'no', 'answered 503, but not as a Holdfast server'],
    [200, 'null', 'answered 200, but not as a Holdfast server'],
    [200, '{"ready":false}', 'answered 200, but not as a Holdfast server'],
    [404, '{"ready":true}', 'answered 404, but not as a Holdfast server'],
    [
      200,
      `{"ready":true,"filler":"${'x'.repeat(300_000)}"}`,
      'answered 200, but not as a Holdfast server',
    ],
  ])('not if it answers %i with %.80s', async (status, body, verdict) => {
    expect(await verdictOf(await replying(status, body))).toEqual([1, verdict]);
  });

  test('not if no server listens there', async () => {
    const target = { scheme: 'http', host: '127.0.0.1', port: await freePort() } as const;
    expect(await verdictOf(target)).toEqual([
      1,
      'cannot be asked: it refuses connections (ECONNREFUSED); no server listens there',
    ]);
  });

  test('not if it cuts the connection, or speaks another protocol', async () => {
    const cutting = await listening(createTcpServer((socket) => void socket.destroy()));
    expect(await verdictOf(cutting)).toEqual([
      1,
      'cannot be asked: it cut the connection (ECONNRESET)',
    ]);
    const talking = await listening(createTcpServer((socket) => void socket.end('220 ready\r\n')));
    expect(await verdictOf(talking)).toEqual([
      1,
      'cannot be asked: it speaks no HTTP (HPE_INVALID_CONSTANT)',
    ]);
  });

  test('not if it speaks no TLS and should', async () => {
    const target = await replying(200, '{"ready":true}');
    await expect(askReadiness({ ...target, scheme: 'https' }, longMs)).rejects.toThrow(
      /^https:.* cannot be asked: it speaks no TLS/,
    );
  });

  test('not if it accepts and never answers, or never ends its answer', async () => {
    const silent = await listening(createTcpServer(() => undefined));
    expect(await verdictOf(silent, 50)).toEqual([1, 'gave no answer within 50 ms']);
    const endless = await answering((_, response) => void response.write('{"ready":true'));
    expect(await verdictOf(endless, 50)).toEqual([1, 'gave no answer within 50 ms']);
  });
});

describe('the address to ask', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['0', '127.0.0.1'],
    ['::', '::1'],
    ['0:0:0:0:0:0:0:0', '::1'],
    ['::1', '::1'],
    ['10.0.0.5', '10.0.0.5'],
    ['db.internal', 'db.internal'],
  ])('for host %s is %s', (host, asked) => {
    expect(targetOf({ host, port: 7411, tlsCert: '' })).toEqual({
      scheme: 'http',
      host: asked,
      port: 7411,
    });
  });

  test('has TLS if the server has a certificate', () => {
    expect(targetOf({ host: '::', port: 1, tlsCert: 'cert.pem' }).scheme).toBe('https');
  });
});

describe('the command', () => {
  let folder: string;
  beforeEach(async () => void (folder = await makeTemporaryFolder()));
  afterEach(() => removeFolder(folder));

  const health = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runToEnd(['health', '--timeout-ms', String(longMs), ...args], { cwd: folder, env });

  test('reads the settings of the server, and prints nothing if it serves', async () => {
    const { program, url } = await serveInTest(join(folder, 'data'), ['--host', '127.0.0.1']);
    const { port } = new URL(url);
    const config = join(folder, 'settings.json');
    await writeFile(config, JSON.stringify({ port: Number(port), host: '0.0.0.0' }));
    const fine = { code: 0, signal: null, stdout: '', stderr: '' };
    expect(await health(['--config', config, '--data-dir', 'elsewhere'])).toEqual(fine);
    expect(await health([], { HOLDFAST_PORT: port, HOLDFAST_HOST: 'localhost' })).toEqual(fine);
    expect(await health(['--port', port, '--host', '0.0.0.0'], { HOLDFAST_PORT: '1' })).toEqual(
      fine,
    );
    program.kill('SIGTERM');
    await program.exited;
    const { code, stdout, stderr } = await health(['--port', port]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^holdfast: http:\/\/127\.0\.0\.1:\d+ cannot be asked: [^\n]+\n$/);
  });

  test('refuses a setting that the server would refuse', async () => {
    const { code, stderr } = await health([], { HOLDFAST_FSYNC: 'no' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('fsync is "no"') as string]);
  });
});
