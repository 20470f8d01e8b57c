// The fast lane: answers plain requests past node's HTTP parser and the framework. Takes each new
// connection of the server, and hands it over to node for good at the first request that is not plain.
// Everything that holds on one path holds on the other: both ask the same gates and handlers.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { EndedSocket } from './ended-socket.ts';
import type { HandoverReason } from './head-parser.ts';
import { LaneConnection } from './lane-connection.ts';
import type { FastLaneOptions, LaneServices } from './lane-services.ts';

/** Node's limits of time begin again when a slow connection is handed over. */
const slowMs = 2000;

const sweepEveryMs = 500;

type TakeConnection = (socket: Socket) => void;

export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #services: LaneServices;
  readonly #open = new Map<Socket, LaneConnection>();
  readonly #handovers = new Map<HandoverReason, number>();
  #takers: readonly TakeConnection[] = [];
  #server: Server | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: FastLaneOptions) {
    this.#options = options;
    const { onFault: noteFault, answerOfError, bodies, ...shared } = options;
    this.#services = {
      ...shared,
      noteFault,
      answerOfError: (request, route, error) =>
        route.answerFault?.(error) ?? answerOfError(request, error),
      takeRoom: (bytes) => this.#takeRoom(bytes),
      releaseRoom: (bytes) => bodies.release(bytes),
      handOver: (socket, unread, reason) => this.#handOver(socket, unread, reason),
      forget: (socket) => this.#forget(socket),
    };
  }

  /** The number of connections handed over so far for this reason. */
  handovers(reason: HandoverReason): number {
    return this.#handovers.get(reason) ?? 0;
  }

  /**
   * Puts the lane between the server and its connections. Call it before any other listener for
   * connections is added: those that are there are node's own.
   */
  takeOver(server: Server): void {
    this.#server = server;
    this.#takers = server.listeners('connection') as TakeConnection[];
    server.removeAllListeners('connection');
  }

  /** The caller calls this for each new connection, once all else has seen it. */
  add(socket: Socket): void {
    if (this.#options.connections.isSurplus(socket)) {
      this.#giveToNode(socket);
      return;
    }
    const connection = new LaneConnection(socket, this.#services);
    this.#open.set(socket, connection);
    this.#options.connections.addLane(socket, connection);
    this.#sweep ??= setInterval(() => this.#sweepAll(), sweepEveryMs).unref();
  }

  /** Pipelined requests that wait for an earlier one on their connection. */
  get heldCount(): number {
    let count = 0;
    for (const { requestCount } of this.#open.values()) count += Math.max(0, requestCount - 1);
    return count;
  }

  /** Ends connections on which nothing is under way, for a server that stops. */
  closeIdle(): void {
    for (const connection of this.#open.values()) if (connection.isIdle) connection.destroy();
  }

  closeAll(): void {
    for (const connection of this.#open.values()) connection.destroy();
  }

  /** The framework's path decides which bodies wait for room, and ends those that come too slowly. */
  #takeRoom(bytes: number): boolean {
    if (this.#options.bodies.takeArrived(bytes)) return true;
    this.#yieldRoom();
    return false;
  }

  #yieldRoom(): void {
    for (const connection of this.#open.values()) connection.yieldRoom();
  }

  #sweepAll(): void {
    const { bodies, monotonicMs, keepAliveTimeoutMs } = this.#options;
    if (bodies.waiting > 0) this.#yieldRoom();
    const nowMs = monotonicMs();
    for (const connection of this.#open.values()) {
      connection.sweep(nowMs, slowMs, keepAliveTimeoutMs);
    }
    if (this.#open.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    this.#options.connections.removeLane(socket);
  }

  #handOver(socket: Socket, unread: Buffer, reason: HandoverReason): void {
    this.#handovers.set(reason, this.handovers(reason) + 1);
    if (socket.readableEnded) {
      this.#handOverEnded(socket, unread);
      return;
    }
    // Without a listener, a flowing socket would lose what it reads.
    socket.pause();
    socket.setTimeout(0);
    if (unread.length > 0) socket.unshift(unread);
    this.#giveToNode(socket);
    socket.resume();
  }

  /** A stream that has ended takes no bytes back. So node gets another stream, in place of the socket. */
  #handOverEnded(socket: Socket, unread: Buffer): void {
    // It has all that this server asks of a socket.
    const standIn = new EndedSocket(socket, unread) as unknown as Socket;
    this.#options.replaceSocket(socket, standIn);
    this.#giveToNode(standIn);
  }

  #giveToNode(socket: Socket): void {
    for (const take of this.#takers) take.call(this.#server, socket);
  }
}
