// Counts pipelined requests that wait for an earlier one on their connection, and bounds their
// bytes. Keeps node from reading a connection while any of its requests is held. Must not know why
// requests wait or when they begin.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Bytes that a held request takes apart from its own: some 1,600, rounded up. */
const requestBytes = 2048;

/** Bytes that a connection may always hold, however many others hold. */
const heldBytesAlways = 64 * 1024;

/** More than any connection may have to write before node stops reading it. */
const muchToWrite = 2 ** 30;

/** The requests held on one connection. */
interface Held {
  count: number;
  bytes: number;
  /** The socket's `bytesRead` when its latest request was held. */
  bytesRead: number;
}

/**
 * Tells node that this many more bytes are to be written, fewer if negative. Above a bound node
 * reads no more requests from the connection, as with its own buffers. A pause of our own would not
 * last: every request whose body is read resumes the socket.
 */
function announce(response: ServerResponse, bytes: number): void {
  // oxlint-disable-next-line no-underscore-dangle -- node has no public name for it
  (response as { _onPendingData?: (bytes: number) => void })._onPendingData?.(bytes);
}

export class HeldRequests {
  readonly #bytesMax: number;
  readonly #heldOn = new Map<Socket, Held>();
  #count = 0;
  #bytes = 0;

  /** @param bytesMax over all connections together */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  isHolding(socket: Socket): boolean {
    return this.#heldOn.has(socket);
  }

  /** @returns false if too much is held: the caller must cut the connection */
  add(response: ServerResponse): boolean {
    const { socket } = response.req;
    const held = this.#heldOn.get(socket) ?? this.#begin(response, socket);
    const bytes = requestBytes + socket.bytesRead - held.bytesRead;
    held.bytesRead = socket.bytesRead;
    held.bytes += bytes;
    this.#bytes += bytes;
    held.count += 1;
    this.#count += 1;
    return this.#bytes <= this.#bytesMax || held.bytes <= heldBytesAlways;
  }

  /**
   * Takes out the oldest held request of a connection.
   *
   * @param response of that request
   * @returns false if the connection holds none
   */
  take(response: ServerResponse, socket: Socket): boolean {
    // Every request comes here, and mostly none is held anywhere.
    if (this.#count === 0) return false;
    const held = this.#heldOn.get(socket);
    if (held === undefined) return false;
    const bytes = Math.trunc(held.bytes / held.count);
    held.bytes -= bytes;
    this.#bytes -= bytes;
    held.count -= 1;
    this.#count -= 1;
    if (held.count > 0) return true;
    this.#heldOn.delete(socket);
    // Node reads on in the next turn. Else one connection could fill this turn, read after read.
    setImmediate(announce, response, -muchToWrite);
    return true;
  }

  /** The caller calls this for each closed connection. */
  forget(socket: Socket): void {
    const held = this.#heldOn.get(socket);
    if (held === undefined) return;
    this.#count -= held.count;
    this.#bytes -= held.bytes;
    this.#heldOn.delete(socket);
  }

  #begin(response: ServerResponse, socket: Socket): Held {
    const held = { count: 0, bytes: 0, bytesRead: socket.bytesRead };
    this.#heldOn.set(socket, held);
    announce(response, muchToWrite);
    return held;
  }
}
