// Keeps account of what is open at the moment: sockets, and requests not answered yet. That is
// what a drain waits for and what metrics report. Knows nothing of routes.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  /**
   * Replies not ended yet, oldest first, by socket. A list that lives as long as its socket and no
   * set of all replies: what is added to and deleted from a set with every request is kept alive by
   * the set's outgrown tables until the next full collection, which cost a third of all PUTs.
   */
  readonly #open = new Map<Socket, ServerResponse[]>();
  /** Those beyond the limit, which are open only to be told so. */
  readonly #surplus = new Set<Socket>();
  /** Those whose last reply is settled: what still comes in on them is not answered. */
  readonly #final = new Set<Socket>();
  readonly #connectionsMax: number;
  #dropped = 0;
  #draining = false;

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  /** True: every reply from now on is its connection's last. */
  get draining(): boolean {
    return this.#draining;
  }

  get socketCount(): number {
    return this.#open.size;
  }

  get requestCount(): number {
    let count = 0;
    for (const responses of this.#open.values()) count += responses.length;
    return count;
  }

  /** Connections that were closed at once, since there were too many by far. */
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
    const isSurplus = this.#open.size - this.#surplus.size >= this.#connectionsMax;
    this.#open.set(socket, []);
    if (isSurplus) this.#surplus.add(socket);
    socket.once('close', () => {
      // A reply that can not be sent any more is not owed any more.
      this.#open.delete(socket);
      this.#surplus.delete(socket);
      this.#final.delete(socket);
    });
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

  /** The latest request on this socket that has arrived whole and is still to be answered, if any. */
  lastAwaitedOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.findLast(({ req }) => req.complete);
  }

  /** Whether a reply on this socket has begun and not ended, so that no other may be put there. */
  isReplying(socket: Socket): boolean {
    return this.firstOpenOn(socket)?.headersSent ?? false;
  }

  /** Whether replies that were handed over are still on their way to their clients. */
  get flushing(): boolean {
    return [...this.#open.keys()].some((socket) => socket.writableLength > 0);
  }

  /** Cuts the connections that wait for their client: silent ones and half-sent requests. */
  destroyUnanswerable(): void {
    for (const socket of this.#open.keys()) {
      if (socket.writableLength === 0 && this.lastAwaitedOn(socket) === undefined) socket.destroy();
    }
  }
}
