// Counts bytes held for replies that have not closed, in total and by connection. Must not know
// what the bytes are, or what happens to a reply without room.
import type { Socket } from 'node:net';

export class ByteBudget {
  readonly bytesMax: number;
  #held = 0;
  /**
   * Entries live as long as their sockets: `#open` in connections.ts says what it costs otherwise.
   */
  readonly #heldBySocket = new Map<Socket, number>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get held(): number {
    return this.#held;
  }

  has(bytes: number): boolean {
    return this.#held + bytes <= this.bytesMax;
  }

  heldBy(socket: Socket): number {
    return this.#heldBySocket.get(socket) ?? 0;
  }

  /**
   * Holds bytes until they are released or the connection closes. Replies that wait for their turn on
   * a closed connection never emit `close`.
   */
  hold(socket: Socket, bytes: number): void {
    if (socket.closed) return;
    const before = this.#heldBySocket.get(socket);
    if (before === undefined) socket.once('close', () => this.#leave(socket));
    this.#heldBySocket.set(socket, (before ?? 0) + bytes);
    this.#held += bytes;
  }

  release(socket: Socket, bytes: number): void {
    const held = this.#heldBySocket.get(socket);
    if (held === undefined) return;
    this.#heldBySocket.set(socket, held - bytes);
    this.#held -= bytes;
  }

  #leave(socket: Socket): void {
    this.#held -= this.heldBy(socket);
    this.#heldBySocket.delete(socket);
  }
}
