// Requests that node has given up as late although they may not be: while this server does not read
// a connection, the rest of a request stays with its client, but node's clock for it goes on. Each
// gets its time once more, from when reading goes on, and is then judged here: node does not look
// at it again. Knows nothing of why a connection is not read.
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

  /** @param giveUp called if the request has not arrived whole when its time is over once more */
  excuse(socket: Socket, request: IncomingMessage | undefined, giveUp: () => void): void {
    this.forget(socket);
    this.#excused.set(socket, { request, timer: undefined, giveUp });
  }

  /** Must be told of each request when its headers have arrived. */
  noteRequest(request: IncomingMessage): void {
    if (this.#excused.size === 0) return;
    const late = this.#excused.get(request.socket);
    if (late !== undefined) late.request ??= request;
  }

  /** The connection is read again: the time begins. */
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
