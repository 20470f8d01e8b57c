// Pipelined requests that wait for an earlier one on their connection: counted by connection, and
// bounded in bytes. Node is kept from reading more of a connection while any of its requests is
// held. Knows neither why they wait nor when they begin.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Taken by a held request apart from its own bytes: some 1,600, rounded up. */
const requestBytes = 2048;

/** So much may always be held on a connection, however much is held on others. */
const heldBytesAlways = 64 * 1024;

/** More than any connection may have to write before node stops reading it. */
const muchToWrite = 2 ** 30;

/** The requests held on one connection. */
interface Held {
  count: number;
  bytes: number;
  /** How much of the connection had been read when its latest request was held. */
  bytesRead: number;
}

/**
 * Tells node that so much more is to be written, less if negative. Beyond a bound it reads no more
 * requests from that connection, as it does for its own buffers. A pause of our own would not last:
 * every request whose body is read resumes the socket.
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

  /** @returns false if that is too much: the connection is to be cut */
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
   * Takes out the oldest of a connection.
   *
   * @param response of that request
   * @returns false if none is held there
   */
  take(response: ServerResponse, socket: Socket): boolean {
    // Mostly none is held anywhere, and this is asked with every request.
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
    // Read on in the next turn: else one connection could fill this one, read after read.
    setImmediate(announce, response, -muchToWrite);
    return true;
  }

  /** Must be told of each connection that has closed. */
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
