// Tracks open sockets and unanswered requests. A drain waits for them, and metrics report them.
// Must not know routes.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The requests of a connection that the fast lane has. */
export interface RequestsOfLane {
  /** True while a request that has arrived whole is not answered. */
  readonly isAwaited: boolean;
  readonly requestCount: number;
}

export class Connections {
  /**
   * Replies not ended yet, oldest first, by socket. Each list lives as long as its socket.
   * This is no set of all replies. A set that changes with every request outgrows its tables. The
   * old tables keep deleted replies alive until the next full collection. That cost a third of all
   * PUTs.
   */
  readonly #open = new Map<Socket, ServerResponse[]>();
  /** Connections beyond the limit, open only to be told so with a 503. */
  readonly #surplus = new Set<Socket>();
  /** Connections whose last reply is decided: later requests on them get no answer. */
  readonly #final = new Set<Socket>();
  /** Connections that the fast lane has. Their lists of replies are empty. */
  readonly #lane = new Map<Socket, RequestsOfLane>();
  readonly #connectionsMax: number;
  #dropped = 0;
  #draining = false;

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  /** True while draining: every reply from now on is the last on its connection. */
  get draining(): boolean {
    return this.#draining;
  }

  get socketCount(): number {
    return this.#open.size;
  }

  get requestCount(): number {
    let count = 0;
    for (const responses of this.#open.values()) count += responses.length;
    for (const { requestCount } of this.#lane.values()) count += requestCount;
    return count;
  }

  /** Connections closed at once because far too many were open. */
  get dropped(): number {
    return this.#dropped;
  }

  noteDropped(): void {
    this.#dropped += 1;
  }

  startDraining(): void {
    this.#draining = true;
  }

  addSocket(socket: Socket): void {
    this.#add(socket, this.#open.size - this.#surplus.size >= this.#connectionsMax);
  }

  /** One connection has both sockets: `socket` takes the place of the bare one below it. */
  replaceSocket(bare: Socket, socket: Socket): void {
    const isSurplus = this.#surplus.has(bare);
    this.#forget(bare);
    this.#add(socket, isSurplus);
  }

  #add(socket: Socket, isSurplus: boolean): void {
    this.#open.set(socket, []);
    if (isSurplus) this.#surplus.add(socket);
    // A reply that cannot be sent is not owed any more.
    socket.once('close', () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    this.#surplus.delete(socket);
    this.#final.delete(socket);
  }

  addLane(socket: Socket, requests: RequestsOfLane): void {
    this.#lane.set(socket, requests);
  }

  removeLane(socket: Socket): void {
    this.#lane.delete(socket);
  }

  isSurplus(socket: Socket): boolean {
    return this.#surplus.size > 0 && this.#surplus.has(socket);
  }

  noteFinalReply(socket: Socket): void {
    if (this.#open.has(socket)) this.#final.add(socket);
  }

  isFinal(socket: Socket): boolean {
    return this.#final.size > 0 && this.#final.has(socket);
  }

  addResponse(response: ServerResponse): void {
    this.#open.get(response.req.socket)?.push(response);
  }

  removeResponse(response: ServerResponse): void {
    const responses = this.#open.get(response.req.socket);
    if (responses === undefined) return;
    if (responses.length === 1 && responses[0] === response) responses.pop();
    else if (responses.includes(response)) responses.splice(responses.indexOf(response), 1);
  }

  /** The oldest reply on this socket that has not ended, if any. */
  firstOpenOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.[0];
  }

  /** The latest reply on this socket that has not ended, if any. */
  lastOpenOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.at(-1);
  }

  /** The latest unanswered request on this socket that has arrived whole, if any. */
  lastAwaitedOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.findLast(({ req }) => req.complete);
  }

  /** True if a reply on this socket has begun and not ended: no other may be written meanwhile. */
  isReplying(socket: Socket): boolean {
    return this.firstOpenOn(socket)?.headersSent ?? false;
  }

  /** True if a reply that was handed over is still on its way to its client. */
  get flushing(): boolean {
    return [...this.#open.keys()].some((socket) => socket.writableLength > 0);
  }

  /**
   * Cuts connections that wait for their client: silent ones and those with a half-sent request.
   */
  destroyUnanswerable(): void {
    for (const socket of this.#open.keys()) {
      if (socket.writableLength === 0 && !this.#isAwaitedOn(socket)) socket.destroy();
    }
  }

  #isAwaitedOn(socket: Socket): boolean {
    const ofLane = this.#lane.get(socket);
    return ofLane === undefined ? this.lastAwaitedOn(socket) !== undefined : ofLane.isAwaited;
  }
}
