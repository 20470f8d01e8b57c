// A server is put together and taken apart as a whole: nothing of it stays open if a part fails.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { ListenError } from '../../src/server/listen-error.ts';
import { openServer } from '../../src/server/open-server.ts';
import type { OpenServerOptions } from '../../src/server/serve-store.ts';
import type { Settings } from '../../src/settings/settings-schema.ts';
import { parseReply, readToEnd } from '../support/http/raw-request.ts';
import { expectCleanFolder } from '../support/processes/server-of-test.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const deadlineMs = 9000;

function open(
  settings: Partial<Settings> = {},
  isStopping?: NonNullable<OpenServerOptions['isStopping']>,
) {
  return openServer({
    settings: {
      ...defaultSettings(),
      port: 0,
      shards: 1,
      dataDir: join(folder, 'data'),
      ...settings,
    },
    logger: pino({ level: 'silent' }),
    clock: systemClock,
    ...(isStopping === undefined ? {} : { isStopping }),
  });
}

async function portInUse(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  return (other.address() as AddressInfo).port;
}

test('a server that was told to stop during its start does not listen, and is closed', async () => {
  expect(await open({}, () => true)).toBeUndefined();
  expectCleanFolder(join(folder, 'data'));
});

test('a server that cannot listen says which setting to change, and is closed', async () => {
  const first = await open();
  await first?.close(deadlineMs);
  const port = await portInUse();
  const error: unknown = await open({ port }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({
    setting: 'port',
    message: `cannot listen on 127.0.0.1, port ${port}: the port is in use; stop what listens there, or set another one`,
  });
  expectCleanFolder(join(folder, 'data'));
  const server = await open();
  await server?.close(deadlineMs);
});

test('a server that cannot listen makes no store, and no folder for one', async () => {
  const port = await portInUse();
  await expect(open({ port })).rejects.toThrow('the port is in use; stop what listens there');
  expect(await readdir(folder)).toEqual([]);
});

test('a server that closes answers what is in flight, is not ready, and leaves a clean folder', async () => {
  const server = await open();
  if (server === undefined) throw new Error('the server does not listen');
  await fetch(`${server.url}/v1/keys/kept`, { method: 'PUT', body: 'kept' });
  const socket = connect(server.port, '127.0.0.1');
  const reply = readToEnd(socket);
  const before = server.app.connections.socketCount;
  socket.write('GET /readyz HTTP/1.1\r\n');
  await expect.poll(() => server.app.connections.socketCount).toBe(before + 1);
  const closed = server.close(deadlineMs);
  await expect.poll(() => server.app.server.listening).toBe(false);
  socket.write('Host: localhost\r\n\r\n');
  const { status, body } = parseReply(await reply);
  expect([status, body]).toEqual([503, expect.stringContaining('The server is stopping.')]);
  await closed;
  expectCleanFolder(join(folder, 'data'));
});
