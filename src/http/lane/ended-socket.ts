// Stands for a socket whose client has ended its side. Its reader gets bytes that were read before, and
// the end; a stream that has ended takes no bytes back. Writes, limits of time and the end of the
// connection are those of the socket. Knows no HTTP.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export class EndedSocket extends Duplex {
  readonly #socket: Socket;

  /** @param unread bytes that come before the end */
  constructor(socket: Socket, unread: Buffer) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('timeout', () => this.emit('timeout')).on('error', () => this.destroy());
    socket.once('close', () => this.destroy());
    this.push(unread);
    this.push(null);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  setTimeout(ms: number, onTimeout?: () => void): this {
    this.#socket.setTimeout(ms);
    if (onTimeout !== undefined) this.once('timeout', onTimeout);
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Ends the connection once all has left. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    // All bytes are there from the start.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
