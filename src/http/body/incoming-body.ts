// Collects one request body, as fast as the budget allows. The class is its own listener, so there
// is one object per body. Must not know what is in the body, or why the budget pauses or ends it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { StoreError, type ErrorCode } from '../../base/errors.ts';
import { overloaded } from '../../base/overloaded.ts';
import { BodyAccount } from './body-account.ts';
import type { BodyBudget } from './body-budget.ts';
import { BodyPieces } from './body-pieces.ts';
import { tickMs } from './pace.ts';

declare module 'node:http' {
  // oxlint-disable-next-line no-unused-vars -- the parameters must be those of the class
  interface ServerResponse<Request extends IncomingMessage = IncomingMessage> {
    /** Bytes of room that the request's body keeps until the reply ends. */
    bodyBytesHeld?: number;
  }
}

export interface BodyLimit {
  readonly bytesMax: number;
  /** The error of a larger body. */
  readonly code: ErrorCode;
  /** The handler learns from the body whether it writes, and charges the caller if it does. */
  readonly mayOnlyRead?: boolean;
}

/** Shared by all bodies of a server. */
export interface SharedByBodies {
  readonly budget: BodyBudget;
  /** By socket: the arriving body that had to wait or was refused. */
  readonly marked: WeakMap<Socket, IncomingBody>;
}

/** If a body has waited for longer, its client is not to blame for its lateness. */
const waitMsMax = 1000;

type State = 'arriving' | 'whole' | 'refused' | 'gone';

export function tooLarge({ bytesMax, code }: BodyLimit): StoreError {
  return new StoreError(code, `The body may have at most ${bytesMax} bytes.`, { limit: bytesMax });
}

function noRoom(why: string, { bytesMax }: BodyBudget): StoreError {
  const detail = `${why} All bodies in flight may have ${bytesMax} bytes in sum. Nothing was changed.`;
  return overloaded(detail, { limit: bytesMax });
}

const noPieces = new BodyPieces(0);

function readNothing(): void {
  // See `pause`.
}

function stopReading(body: IncomingBody): void {
  body.stopReading();
}

export class IncomingBody extends BodyAccount {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limit: BodyLimit;
  readonly #announced: number | undefined;
  readonly #shared: SharedByBodies;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: StoreError) => void;
  #pieces: BodyPieces;
  #received = 0;
  #hasEnded = false;
  #isMarked = false;
  #state: State = 'arriving';

  /** @param announced the length in the framing headers, if there is one */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    limit: BodyLimit,
    announced: number | undefined,
    shared: SharedByBodies,
    resolve: (body: Buffer) => void,
    reject: (error: StoreError) => void,
  ) {
    super();
    this.#request = request;
    this.#response = response;
    this.#limit = limit;
    this.#announced = announced;
    this.#shared = shared;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#pieces = new BodyPieces(announced ?? limit.bytesMax);
  }

  override get bytesToCome(): number | undefined {
    return this.#announced === undefined ? undefined : this.#announced - this.#received;
  }

  listen(): void {
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  /**
   * Reads the socket no further, but keeps the request flowing. Node would read a paused request
   * until its buffer is full. That takes up to 13 MB if each chunk has one byte.
   */
  override pause(): void {
    this.#mark();
    // Node's own `_read` would read the socket on for the request.
    // oxlint-disable-next-line no-underscore-dangle -- the name is node's
    this.#request._read = readNothing;
    // Deferred: node may already have planned to read on in this tick.
    process.nextTick(stopReading, this);
  }

  /** The second half of `pause`. */
  stopReading(): void {
    if (this.owed > 0 && !this.#request.complete) this.#request.socket.pause();
  }

  override proceed(): void {
    this.#request.socket.resume();
    if (this.#hasEnded) this.#finish();
  }

  override end(): void {
    const why = 'The body came too slowly while others waited for room.';
    this.#refuse(noRoom(why, this.#shared.budget));
  }

  /**
   * Handles a connection on which a request has not arrived in time.
   *
   * @returns whether nothing is left to do: the client is not to blame, or has had its reply
   */
  giveUp(): boolean {
    if (this.#state === 'refused') {
      this.#request.socket.destroy();
      return true;
    }
    if (this.#state !== 'arriving') return false;
    if (this.owed === 0 && this.ticksWaited * tickMs < waitMsMax) return false;
    // Node checks the time of a request only once, so the connection must not go on.
    this.#response.shouldKeepAlive = false;
    this.#refuse(noRoom('There was no room for the body in time.', this.#shared.budget));
    return true;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state !== 'arriving') return;
    this.#received += chunk.length;
    this.gained += chunk.length;
    if (this.#received > this.#limit.bytesMax) {
      this.#refuse(tooLarge(this.#limit));
      return;
    }
    if (this.#received === this.#announced) this.isComplete = true;
    this.#shared.budget.take(this, this.#pieces.add(chunk));
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.isComplete = true;
    if (this.#state === 'refused') this.#leaveAs('gone');
    else if (this.owed === 0) this.#finish();
  };

  readonly #onClose = (): void => {
    // Every request closes in the end; an unused error costs a tenth of a small PUT.
    if (this.#hasEnded) return;
    if (this.#state === 'arriving') {
      this.#giveBack();
      this.#reject(new StoreError('BAD_REQUEST', 'The connection ended before the body did.'));
    }
    this.#leaveAs('gone');
  };

  #finish(): void {
    const body = this.#pieces.join();
    this.#pieces = noPieces;
    this.#shared.budget.complete(this, body.length);
    this.#response.bodyBytesHeld = body.length;
    this.#leaveAs('whole');
    this.#resolve(body);
  }

  #mark(): void {
    this.#isMarked = true;
    this.#shared.marked.set(this.#request.socket, this);
  }

  /** Removes the mark, which would keep the body in memory as long as its connection lives. */
  #leaveAs(state: State): void {
    this.#state = state;
    if (!this.#isMarked) return;
    const { marked } = this.#shared;
    if (marked.get(this.#request.socket) === this) marked.delete(this.#request.socket);
  }

  /** Reads and drops the rest: a client that is cut off while sending never sees the answer. */
  #refuse(error: StoreError): void {
    this.#state = 'refused';
    this.#mark();
    this.#giveBack();
    this.#request.socket.resume();
    this.#reject(error);
  }

  #giveBack(): void {
    this.#pieces = noPieces;
    this.#shared.budget.leave(this);
  }
}
