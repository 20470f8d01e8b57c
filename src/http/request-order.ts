// Begins the requests of one connection one after another, each when the reply to the one before it
// has left, so that pipelined requests take effect in the order they came (RFC 9112 section 9.3.2).
// Node hands all of them over at once and orders only their replies. Its queue of replies serves as
// the queue of requests: a request is held until its reply gets the connection. Knows no route.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.ts';
import { LateRequests } from './late-requests.ts';
import { HeldRequests } from './overload/held-requests.ts';
import type { ReplyRoom } from './overload/reply-room.ts';

export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

export interface RequestOrderOptions {
  readonly connections: Connections;
  readonly replies: ReplyRoom;
  /** Bytes that held requests may take, on all connections together. */
  readonly heldBytesMax: number;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs: number;
}

export class RequestOrder {
  readonly #connections: Connections;
  readonly #replies: ReplyRoom;
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

  /** Connections that were cut since too much was held. */
  get cuts(): number {
    return this.#cuts;
  }

  /** A listener that hands on each request in its turn. */
  guard(handle: Handle): Handle {
    this.#handle = handle;
    return (request, response) => {
      // Nobody would see its answer, so it must not take effect either.
      if (this.#connections.isFinal(request.socket)) return;
      this.#late.noteRequest(request);
      if (response.socket === null) this.#hold(response);
      else handle(request, response);
    };
  }

  /** Must be told of each reply that gets its connection. */
  noteTurn(response: ServerResponse, socket: Socket): void {
    if (!this.#held.take(response, socket)) return;
    if (!this.#held.isHolding(socket)) this.#late.noteReading(socket);
    // The reply before it is about to close, which releases what was reserved for it.
    process.nextTick(this.#begin, response, socket);
  }

  /**
   * Whether a request that is said to be late gets its time once more, because it may be late only
   * since earlier ones are held: meanwhile the connection is not read.
   *
   * @param giveUp called if it is late then as well
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

  /** Must be told of each connection that has closed: what it held never begins. */
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
    // It asks for more than it reads, while others find no room for their replies.
    if (this.#replies.isFull && this.#replies.cutIfUnread(socket)) return;
    this.#pipelining.add(socket);
    if (this.#held.add(response)) return;
    this.#cuts += 1;
    socket.destroy();
  }
}
