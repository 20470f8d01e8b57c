// Bounds the replies that clients have not taken yet: all in bytes, and each in time. Otherwise
// clients that ask for large values and never read would fill the memory.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { overloaded } from '../../base/overloaded.ts';
import { ByteBudget } from './byte-budget.ts';

/** A client that takes less than this, over all it has asked for, is cut in the end. */
const bytesPerMsMin = 16;

/**
 * Unread bytes that a connection may have before it is cut for asking for more while others wait.
 */
const unreadBytesMax = 64 * 1024;

const sweepMs = 500;

export interface UnsentRepliesOptions {
  readonly bytesMax: number;
  /** Milliseconds for which a client may take no bytes at all. */
  readonly stallMsMax: number;
  readonly clock: Clock;
}

export class UnsentReplies {
  readonly #options: UnsentRepliesOptions;
  readonly #room: ByteBudget;
  /** The time by which each connection must have taken what it asked for. */
  readonly #deadlinesMs = new Map<Socket, number>();
  #sweep: NodeJS.Timeout | undefined;
  #cuts = 0;

  constructor(options: UnsentRepliesOptions) {
    this.#options = options;
    this.#room = new ByteBudget(options.bytesMax);
  }

  get bytes(): number {
    return this.#room.held;
  }

  /** Connections cut because their client did not read. */
  get cuts(): number {
    return this.#cuts;
  }

  get isFull(): boolean {
    return !this.#room.has(1);
  }

  /** @throws StoreError if a reply of this size does not fit; one alone always does */
  check(bytes: number): void {
    if (this.#room.held === 0 || this.#room.has(bytes)) return;
    throw overloaded('Too much is on its way to clients that read slowly.');
  }

  /** Watches a reply that was handed over and could not be delivered at once. */
  watch(response: ServerResponse, bytes: number): void {
    const { socket } = response.req;
    if (socket.closed) return;
    const release = this.hold(socket, bytes);
    response.once('timeout', () => this.cut(socket));
    response.once('close', release);
  }

  /**
   * Watches bytes of replies that a connection could not deliver at once. The caller cuts the
   * connection if it emits `timeout`.
   *
   * @returns to be called once the client has taken the bytes
   */
  hold(socket: Socket, bytes: number): () => void {
    this.#room.hold(socket, bytes);
    this.#extendDeadline(socket, bytes);
    // Node's own timer, which starts again whenever bytes are taken.
    socket.setTimeout(this.#options.stallMsMax);
    return () => {
      this.#room.release(socket, bytes);
      if (this.#room.heldBy(socket) === 0) this.#deadlinesMs.delete(socket);
    };
  }

  /** Cuts a connection that asks for more than it reads; returns whether it was cut. */
  cutIfUnread(socket: Socket): boolean {
    if (socket.writableLength <= unreadBytesMax) return false;
    this.cut(socket);
    return true;
  }

  #extendDeadline(socket: Socket, bytes: number): void {
    const { clock, stallMsMax } = this.#options;
    const standing = this.#deadlinesMs.get(socket) ?? clock.monotonicMs() + stallMsMax;
    this.#deadlinesMs.set(socket, standing + bytes / bytesPerMsMin);
    this.#sweep ??= setInterval(() => this.#cutLate(), sweepMs).unref();
  }

  #cutLate(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [socket, deadlineMs] of this.#deadlinesMs) {
      if (socket.destroyed) this.#deadlinesMs.delete(socket);
      else if (deadlineMs < nowMs) this.cut(socket);
    }
    if (this.#deadlinesMs.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Closes a connection whose client does not read. */
  cut(socket: Socket): void {
    this.#cuts += 1;
    socket.destroy();
  }
}
