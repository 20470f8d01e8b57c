// Runs the requests of a connection one after another: pipelined requests take effect in order (RFC
// 9112 section 9.3.2). Each begins when the reply to the one before it has left. Node hands over
// all of them at once and orders only their replies. Node's queue of replies also serves as the
// queue of requests. A request is held until its reply gets the connection. Must not know routes.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.ts';
import { LateRequests } from './late-requests.ts';
import { HeldRequests } from './held-requests.ts';
import type { UnsentReplies } from './unsent-replies.ts';

export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

export interface RequestOrderOptions {
  readonly connections: Connections;
  readonly replies: UnsentReplies;
  /** Bytes that held requests may take, on all connections together. */
  readonly heldBytesMax: number;
  /** Milliseconds for which a request may take to arrive. */
  readonly requestTimeoutMs: number;
}

export class RequestOrder {
  readonly #connections: Connections;
  readonly #replies: UnsentReplies;
  readonly #held: HeldRequests;
  readonly #late: LateRequests;
  /** Open connections on which a request was ever held. */
  readonly #pipelining = new Set<Socket>();
  #handle: Handle = () => undefined;
  #cuts = 0;

  constructor(options: RequestOrderOptions) {
    this.#connections = options.connections;
    this.#replies = options.replies;
    this.#held = new HeldRequests(options.heldBytesMax);
    this.#late = new LateRequests(options.requestTimeoutMs);
  }

  /** Requests that wait for an earlier one on their connection. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** Connections cut because their held requests took too much memory. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Returns a listener that hands each request to `handle` in its turn. */
  guard(handle: Handle): Handle {
    this.#handle = handle;
    return (request, response) => {
      // The client would never see the answer, so the request must not take effect either.
      if (this.#connections.isFinal(request.socket)) return;
      this.#late.noteRequest(request);
      if (response.socket === null) this.#hold(response);
      else handle(request, response);
    };
  }

  /** The caller calls this for each reply that gets its connection. */
  noteTurn(response: ServerResponse, socket: Socket): void {
    if (!this.#held.take(response, socket)) return;
    if (!this.#held.isHolding(socket)) this.#late.noteReading(socket);
    // The previous reply is about to close, which releases the bytes reserved for that reply.
    process.nextTick(this.#begin, response, socket);
  }

  /**
   * Gives a request that node reports as late its time again, if earlier requests were held. The
   * request may be late only because of them: meanwhile the server does not read the connection.
   *
   * @param giveUp called if the request is late again
   * @returns false if no request was ever held on this connection
   */
  excuses(socket: Socket, giveUp: () => void): boolean {
    if (!this.#pipelining.has(socket)) return false;
    const request = this.#connections.lastOpenOn(socket)?.req;
    const arriving = request?.complete === false ? request : undefined;
    this.#late.excuse(socket, arriving, () => {
      if (!this.#held.isHolding(socket) || !this.excuses(socket, giveUp)) giveUp();
    });
    if (!this.#held.isHolding(socket)) this.#late.noteReading(socket);
    return true;
  }

  /** The caller calls this for each closed connection: its held requests never begin. */
  forget(socket: Socket): void {
    this.#pipelining.delete(socket);
    this.#late.forget(socket);
    this.#held.forget(socket);
  }

  readonly #begin = (response: ServerResponse, socket: Socket): void => {
    if (socket.writable) this.#handle(response.req, response);
  };

  #hold(response: ServerResponse): void {
    const { socket } = response.req;
    if (socket.destroyed) return;
    // This client asks for more than it reads, while other clients find no room for their replies.
    if (this.#replies.isFull && this.#replies.cutIfUnread(socket)) return;
    this.#pipelining.add(socket);
    if (this.#held.add(response)) return;
    this.#cuts += 1;
    socket.destroy();
  }
}
