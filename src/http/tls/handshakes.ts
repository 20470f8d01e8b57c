// Watches handshakes. Until its end the bare socket counts as a connection. From then on the socket
// that requests come from takes its place. Counts handshakes that fail, and logs none: strangers
// cause them. Must not know requests.
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { assert } from '../../base/assert.ts';
import type { Connections } from '../connections/connections.ts';
import { readAsStream } from './read-as-stream.ts';
import { isSecure } from './secure-server.ts';
import { writeInPieces } from './write-in-pieces.ts';

export class Handshakes {
  #failed = 0;

  /** Connections that ended before their handshake did. */
  get failed(): number {
    return this.#failed;
  }

  /**
   * Does nothing for a server without TLS.
   *
   * @param onSecure called for each socket that requests can come from
   */
  watch(server: HttpServer, connections: Connections, onSecure: (socket: Socket) => void): void {
    if (!isSecure(server)) return;
    // Node's own listener would have the fault answered in HTTP, without TLS.
    server.removeAllListeners('tlsClientError').on('tlsClientError', (_error, socket) => {
      this.#failed += 1;
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      const bare = bareSocketOf(socket);
      // Only from here on: a client that leaves during its handshake gets no reply.
      socket.allowHalfOpen = true;
      setImmediate(destroyIfReset, bare, socket);
      readAsStream(socket);
      writeInPieces(socket);
      connections.replaceSocket(bare, socket);
      onSecure(socket);
    });
  }
}

function bareSocketOf(socket: TLSSocket): Socket {
  // oxlint-disable-next-line no-underscore-dangle -- node has no public name for it
  const bare = (socket as { readonly _parent?: Socket })._parent;
  assert(bare !== undefined, 'a socket of TLS has a bare one below it');
  return bare;
}

/**
 * TLS itself writes last in a handshake. If the client has reset the connection by then, node keeps
 * the error to itself, and no later write ends. Only the system still tells: there is no peer. Node
 * remembers a peer once found, so no other part may ask the bare socket for it.
 */
function destroyIfReset(bare: Socket, socket: TLSSocket): void {
  if (bare.remoteAddress === undefined) socket.destroy();
}
