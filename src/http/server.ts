// Listens and drains. A drain loses no answer, and no client can delay the stop.
import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { addressOfHost } from '../base/host-name.ts';
import { pendingConnectionsMax } from './limits.ts';
import { isSecure } from './tls/secure-server.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** Milliseconds that a half-sent request may still take once draining has begun. */
const halfSentGraceMs = 500;

export async function listen(
  app: FastifyInstance,
  { host, port }: ListenAddress,
): Promise<{ url: string; port: number }> {
  // For `localhost` the framework opens further servers, which our limits would not reach.
  await app.listen({ host: addressOfHost(host), port, backlog: pendingConnectionsMax });
  const bound = app.server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  const scheme = isSecure(app.server) ? 'https' : 'http';
  return { url: `${scheme}://${name}:${bound.port}`, port: bound.port };
}

/**
 * Stops accepting connections and waits until all requests are answered. Closes idle connections at
 * once, half-sent requests soon, and everything at the deadline.
 */
export async function drain(
  app: FastifyInstance,
  { deadlineMs }: { readonly deadlineMs: number },
): Promise<void> {
  const { connections, server, waits } = app;
  connections.startDraining();
  waits.stop();
  const closed = app.close();
  // Node checks no timeouts from here on, so the drain must cut silent connections itself.
  const graceMs = Math.min(halfSentGraceMs, deadlineMs);
  const sweep = setInterval(() => connections.destroyUnanswerable(), graceMs);
  const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
  try {
    await closed;
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
