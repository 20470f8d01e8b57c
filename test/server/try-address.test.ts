// The address of a server is tried before its start makes anything.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { tryAddress } from '../../src/server/try-address.ts';

async function listenHere(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('an address that is in use is refused, and the setting to change is named', async () => {
  const port = await listenHere(0);
  for (const host of ['127.0.0.1', 'localhost']) {
    await expect(tryAddress({ host, port })).rejects.toMatchObject({
      name: 'ListenError',
      setting: 'port',
      message: expect.stringContaining(
        `cannot listen on ${host}, port ${port}: the port is in use`,
      ),
    });
  }
});

test('an address that is free is free again after the try', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await tryAddress({ host: '127.0.0.1', port });
  expect(await listenHere(port)).toBe(port);
});
