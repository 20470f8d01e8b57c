// Keeps account of what is open at the moment: sockets, and requests not answered yet. That is
// what a drain waits for and what metrics report. Knows nothing of routes.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  readonly #sockets = new Set<Socket>();
  readonly #responses = new Set<ServerResponse>();
  #draining = false;

  /** True: every reply from now on is its connection's last. */
  get draining(): boolean {
    return this.#draining;
  }

  get socketCount(): number {
    return this.#sockets.size;
  }

  get requestCount(): number {
    return this.#responses.size;
  }

  startDraining(): void {
    this.#draining = true;
  }

  addSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      // A reply that can not be sent any more is not owed any more.
      for (const response of this.#responses) {
        if (response.req.socket === socket) this.#responses.delete(response);
      }
    });
  }

  addResponse(response: ServerResponse): void {
    this.#responses.add(response);
  }

  removeResponse(response: ServerResponse): void {
    this.#responses.delete(response);
  }

  /** The request on this socket that has arrived whole and is still to be answered, if any. */
  awaitedOn(socket: Socket): ServerResponse | undefined {
    for (const response of this.#responses) {
      if (response.req.socket === socket && response.req.complete) return response;
    }
    return undefined;
  }

  /** Whether part of a reply is on its way on this socket, so that no other may be put there. */
  isReplying(socket: Socket): boolean {
    if (socket.writableLength > 0) return true;
    return [...this.#responses].some(
      ({ req, headersSent }) => req.socket === socket && headersSent,
    );
  }

  /** Whether replies that were handed over are still on their way to their clients. */
  get flushing(): boolean {
    return [...this.#sockets].some((socket) => socket.writableLength > 0);
  }

  /** Cuts the connections that wait for their client: silent ones and half-sent requests. */
  destroyUnanswerable(): void {
    for (const socket of this.#sockets) {
      if (socket.writableLength === 0 && this.awaitedOn(socket) === undefined) socket.destroy();
    }
  }
}
