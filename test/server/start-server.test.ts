// `startServer` within the process of the test. test/e2e/embedding.test.ts starts it as a package.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from '@upstash/redis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import {
  ListenError,
  SettingError,
  startServer as startUnwatched,
  type RunningServer,
  type ServerOptions,
} from '../../src/index.ts';
import { expectCleanFolder } from '../support/processes/server-of-test.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let folder: string;
/** The folder that the system names for temporary files. */
let temporary: string;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  temporary = join(folder, 'tmp');
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await removeFolder(folder);
});

async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startUnwatched({ shards: 1, ...options });
  onTestFinished(() => server.close());
  return server;
}

const put = async (url: string, body: string): Promise<number> =>
  (await fetch(`${url}/v1/keys/a`, { method: 'PUT', body })).status;
const get = async (url: string): Promise<string> => (await fetch(`${url}/v1/keys/a`)).text();

const refusalOf = async (options: unknown): Promise<unknown> =>
  await startUnwatched(options as ServerOptions).catch((error: unknown) => error);

const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);

describe('a server of a program', () => {
  test('listens on loopback at a free port, and serves', async () => {
    const { url, port } = await startServer();
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(port).toBeGreaterThan(0);
    expect([await put(url, 'x'), await get(url)]).toEqual([201, 'x']);
  });

  test('has a temporary folder of its own until it is closed', async () => {
    const server = await startServer();
    await put(server.url, 'x');
    const [made = ''] = await readdir(temporary);
    expect(await readdir(join(temporary, made))).toContain('manifest.json');
    await server.close();
    expect(await readdir(temporary)).toEqual([]);
  });

  test('leaves a folder that the program names, and serves it again', async () => {
    const dataDir = join(folder, 'data');
    const first = await startServer({ dataDir });
    await put(first.url, 'kept');
    await first.close();
    expectCleanFolder(dataDir);
    const second = await startServer({ dataDir });
    expect(await get(second.url)).toBe('kept');
    expect(await readdir(temporary)).toEqual([]);
  });

  test('runs beside others, each with its own entries', async () => {
    const servers = await Promise.all([startServer(), startServer(), startServer()]);
    await Promise.all(servers.map(({ url }, index) => put(url, `value ${index}`)));
    expect(await Promise.all(servers.map(({ url }) => get(url)))).toEqual([
      'value 0',
      'value 1',
      'value 2',
    ]);
  });

  test('takes settings by their names, and sizes with a unit', async () => {
    const { url } = await startServer({ fsync: 'never', valueBytesMax: '1KiB', port: undefined });
    const reply = await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x'.repeat(1025) });
    expect([reply.status, await reply.json()]).toMatchObject([413, { limit: 1024 }]);
    const written = await fetch(`${url}/v1/keys/a`, { method: 'PUT', body: 'x' });
    expect(written.headers.get('holdfast-durability')).toBe('written');
  });

  test('has the commands of Redis at / if the program asks for it', async () => {
    const { url } = await startServer({ upstashAtRoot: true });
    const redis = new Redis({ url, token: 'any', enableTelemetry: false });
    expect([await redis.incr('n'), await redis.get('n')]).toEqual([1, 1]);
  });

  test('reads no environment', async () => {
    vi.stubEnv('HOLDFAST_PORT', '70000');
    vi.stubEnv('HOLDFAST_DATA_DIR', join(folder, 'elsewhere'));
    await startServer();
    expect(await readdir(folder)).toEqual(['tmp']);
  });

  test('closes once, however often it is asked to', async () => {
    const server = await startServer();
    const closed = server.close();
    expect(server.close()).toBe(closed);
    await closed;
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  test('closes at the end of its scope', async () => {
    const server = await startServer();
    await server[Symbol.asyncDispose]();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  test('leaves no listener on the process', async () => {
    const before = listeners();
    const server = await startServer();
    expect(listeners()).toEqual(before);
    await server.close();
    expect(listeners()).toEqual(before);
  });

  test.each([
    ['nothing unless the program asks for a level', {}, []],
    ['JSON to standard error from that level on', { logLevel: 'warn' }, ['an earlier start ended']],
  ] as const)('logs %s', async (_what, options, expected) => {
    const dataDir = join(folder, 'data');
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'manifest.json.tmp'), '');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => write.mockRestore());
    await startServer({ dataDir, ...options });
    const logged = write.mock.calls.map(([line]) => JSON.parse(String(line)) as { msg: string });
    expect(logged.map(({ msg }) => msg)).toEqual(
      expected.map((text) => expect.stringContaining(text)),
    );
  });
});

describe('a start that fails', () => {
  test.each<[string, unknown, string]>([
    ['an unknown option', { prot: 1 }, 'unknown setting prot in the options of startServer'],
    [
      'a number out of bounds',
      { port: 70_000 },
      'port is 70000 (from the options of startServer); allowed: an integer from 0 to 65535',
    ],
    ['a number as text', { port: '1' }, 'port is "1" (from the options of startServer)'],
    ['no number', { port: Number.NaN }, 'port is NaN (from the options of startServer)'],
    ['a big integer', { port: 1n }, 'port is a bigint that JSON cannot show'],
    ['a function', { host: () => 'x' }, 'host is a function (from the options of startServer)'],
    ['an empty folder name', { dataDir: '' }, 'dataDir is "" (from the options of startServer)'],
    [
      'a list as text',
      { corsOrigins: 'https://app.example.com' },
      'corsOrigins is "https://app.example.com" (from the options of startServer); allowed: an ' +
        'array of strings, each once: origins as browsers send them',
    ],
    ['nothing', null, 'the options of startServer must be one object'],
    ['a list', [], 'the options of startServer must be one object'],
    [
      'two that contradict each other',
      { drainDelayMs: 1000, shutdownDeadlineMs: 1000 },
      'drainDelayMs is 1000 (from the options of startServer); allowed: at most 900',
    ],
  ])('for %s says the fault in a TypeError, and makes nothing', async (_what, options, message) => {
    const error = await refusalOf(options);
    expect(error).toBeInstanceOf(SettingError);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as SettingError).message).toContain(message);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('for a port in use names it, and removes its temporary folder', async () => {
    const { port } = await startServer();
    const before = await readdir(temporary);
    const error = await refusalOf({ port });
    expect(error).toBeInstanceOf(ListenError);
    expect((error as ListenError).message).toContain(`port ${port}: the port is in use`);
    expect(await readdir(temporary)).toEqual(before);
  });

  test('for a folder in use names its holder, and leaves the folder to it', async () => {
    const dataDir = join(folder, 'data');
    const { url } = await startServer({ dataDir });
    const error = await refusalOf({ dataDir });
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'STORE_IN_USE' });
    expect(await put(url, 'still served')).toBe(201);
    expect(await readFile(join(dataDir, 'LOCK'), 'utf8')).toBe(`${process.pid}\n`);
  });
});
