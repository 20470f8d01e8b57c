// Finds out if a server could listen, before its start makes a store. Accepts no connection.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { addressOfHost } from '../base/host-name.ts';
import type { Settings } from '../settings/settings-schema.ts';
import { ListenError } from './listen-error.ts';

/**
 * Listens for a moment. Another program may still take the port after that, and before the server.
 *
 * @throws ListenError if the system refuses the address
 */
export async function tryAddress(address: Pick<Settings, 'host' | 'port'>): Promise<void> {
  const { host, port } = address;
  // The end waits for open connections.
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host: addressOfHost(host), port });
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(address, error);
  }
  server.close();
  await once(server, 'close');
}
