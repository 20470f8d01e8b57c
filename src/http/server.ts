// Opens and closes the door: listening, and draining so that no answer is lost and nobody can hold
// the server up.
import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { pendingConnectionsMax } from './limits.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** How long a half-sent request may still take once draining has begun. */
const halfSentGraceMs = 500;

export async function listen(
  app: FastifyInstance,
  { host, port }: ListenAddress,
): Promise<{ url: string; port: number }> {
  // For this one name the framework opens further servers that our limits would not reach.
  const address = { host: host === 'localhost' ? '127.0.0.1' : host, port };
  await app.listen({ ...address, backlog: pendingConnectionsMax });
  const bound = app.server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${bound.port}`, port: bound.port };
}

/**
 * Stops accepting and waits until what has been asked is answered. Idle connections are closed at
 * once, half-sent requests soon, everything at the deadline.
 */
export async function drain(
  app: FastifyInstance,
  { deadlineMs }: { readonly deadlineMs: number },
): Promise<void> {
  const { connections, server } = app;
  connections.startDraining();
  const closed = app.close();
  // From here on node checks no timeouts any more, so those who say nothing are ours to cut.
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
