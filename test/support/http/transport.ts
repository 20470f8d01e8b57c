// Chooses how tests reach servers. vitest.config.ts runs some files three times: over bare connections
// with the fast lane and without, and over TLS with a certificate that these tests trust.
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { pemFile, pemPair } from './pem-pairs.ts';

const isSecure = process.env['TEST_TRANSPORT'] === 'tls';

/** The pair of servers in the process of a test; undefined if they have no TLS. */
export const transportPair = isSecure ? pemPair('one') : undefined;

/** False if plain requests must go through node's parser and the framework, too. */
export const isLaneOpen = process.env['TEST_LANE'] !== 'off';

/** Flags that give a server in a process of its own the same pair. */
export const transportFlags: readonly string[] = [
  ...(isSecure ? ['--tls-cert', pemFile('one-cert'), '--tls-key', pemFile('one-key')] : []),
  ...(isLaneOpen ? [] : ['--fast-lane', 'false']),
];

/** The event by which a server hands over the socket of its requests. */
export const connectionEvent = isSecure ? 'secureConnection' : 'connection';

const bareSockets = new WeakMap<Socket, Socket>();

interface ConnectOptions {
  readonly allowHalfOpen?: boolean;
  readonly noDelay?: boolean;
}

/** Connects to a server of a test. Bytes that are written at once wait for the handshake. */
export function connectToPort(port: number, options: ConnectOptions = {}): Socket {
  const bare = connect({ port, host: '127.0.0.1', ...options });
  if (!isSecure) return bare;
  const socket = connectSecurely({ socket: bare, servername: 'localhost', ...options });
  bareSockets.set(socket, bare);
  return socket;
}

/** Resets a connection of `connectToPort`, as a client does that dies. */
export function resetConnection(socket: Socket): void {
  (bareSockets.get(socket) ?? socket).resetAndDestroy();
}
