// Makes a server of HTTP one of HTTPS, and gives it a new pair while it runs. Must not know the
// files of a pair.
import type { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { assert } from '../../base/assert.ts';
import { tlsVersionMin, type PemPair } from './tls-pair.ts';

export function isSecure(server: HttpServer): server is HttpsServer {
  return server instanceof HttpsServer;
}

/**
 * Options of node's server, which speaks HTTP/1.1 alone unless told otherwise.
 *
 * @param handshakeMsMax from the accepted connection to the end of its handshake
 */
export function secureOptions({ cert, key }: PemPair, handshakeMsMax: number) {
  return { cert, key, minVersion: tlsVersionMin, handshakeTimeout: handshakeMsMax } as const;
}

/** Every handshake from now on uses this pair. Open connections go on with theirs. */
export function usePair(server: HttpServer, { cert, key }: PemPair): void {
  assert(isSecure(server), 'only a server that began with TLS gets another pair');
  server.setSecureContext({ cert, key, minVersion: tlsVersionMin });
}
