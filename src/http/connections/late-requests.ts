// Gives requests their time again that node has timed out although they may not be late. While the
// server does not read a connection, the rest of its request stays with the client. Node's clock
// for the request goes on. The time starts again when the server reads on. This file then judges
// the request, because node does not check it again. Must not know why a connection is not read.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

interface LateRequest {
  /** Undefined before its headers have arrived. */
  request: IncomingMessage | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly giveUp: () => void;
}

export class LateRequests {
  readonly #timeoutMs: number;
  readonly #excused = new Map<Socket, LateRequest>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** @param giveUp called if the request has not arrived whole when its second time is over */
  excuse(socket: Socket, request: IncomingMessage | undefined, giveUp: () => void): void {
    this.forget(socket);
    this.#excused.set(socket, { request, timer: undefined, giveUp });
  }

  /** The caller calls this for each request when its headers have arrived. */
  noteRequest(request: IncomingMessage): void {
    if (this.#excused.size === 0) return;
    const late = this.#excused.get(request.socket);
    if (late !== undefined) late.request ??= request;
  }

  /** Starts the second time: the server reads the connection again. */
  noteReading(socket: Socket): void {
    const late = this.#excused.get(socket);
    if (late === undefined) return;
    late.timer ??= setTimeout(() => this.#judge(socket, late), this.#timeoutMs).unref();
  }

  forget(socket: Socket): void {
    clearTimeout(this.#excused.get(socket)?.timer);
    this.#excused.delete(socket);
  }

  #judge(socket: Socket, { request, giveUp }: LateRequest): void {
    this.#excused.delete(socket);
    if (request?.complete !== true) giveUp();
  }
}
