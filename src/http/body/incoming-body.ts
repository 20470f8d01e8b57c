// Collects one request body, as fast as the budget lets it. It listens itself, so that there is one
// object a body. Knows neither what is in it nor why the budget pauses or ends it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { StoreError, type ErrorCode } from '../../base/errors.ts';
import { BodyAccount } from './body-account.ts';
import type { BodyBudget } from './body-budget.ts';
import { BodyPieces } from './body-pieces.ts';
import { tickMs } from './pace.ts';

declare module 'node:http' {
  // oxlint-disable-next-line no-unused-vars -- the parameters must be those of the class
  interface ServerResponse<Request extends IncomingMessage = IncomingMessage> {
    /** The room that the body of its request has until the reply ends. */
    bodyBytesHeld?: number;
  }
}

export interface BodyLimit {
  readonly bytesMax: number;
  /** The error of a body beyond it. */
  readonly code: ErrorCode;
}

/** Shared by all bodies of a server. */
export interface SharedByBodies {
  readonly budget: BodyBudget;
  /** By socket, the body on its way that had to wait or was refused. */
  readonly marked: WeakMap<Socket, IncomingBody>;
}

/** A body that has waited for longer is not late by the fault of its client. */
const waitMsMax = 1000;

type State = 'arriving' | 'whole' | 'refused' | 'gone';

export function tooLarge({ bytesMax, code }: BodyLimit): StoreError {
  return new StoreError(code, `The body may have at most ${bytesMax} bytes.`, { limit: bytesMax });
}

function overloaded(why: string, { bytesMax }: BodyBudget): StoreError {
  const detail = `${why} All bodies in flight may have ${bytesMax} bytes in sum. Nothing was changed.`;
  const facts = { retryable: true, retryAfterMs: 1000, limit: bytesMax };
  return new StoreError('OVERLOADED', detail, facts);
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

  /** @param announced the length that the framing headers say, if they do */
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
   * A paused request would still be read until its buffer is full, which takes up to 13 MB where
   * chunks have one byte each. So the request keeps flowing, and its socket is read no further.
   */
  override pause(): void {
    this.#mark();
    // Node would read on for the sake of the request.
    // oxlint-disable-next-line no-underscore-dangle -- the name is node's
    this.#request._read = readNothing;
    // Not at once: node may already have planned to go on in this tick.
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
    this.#refuse(overloaded(why, this.#shared.budget));
  }

  /**
   * For a connection on which a request has not arrived in time.
   *
   * @returns whether it is taken care of: the client is not to blame, or has had its reply
   */
  giveUp(): boolean {
    if (this.#state === 'refused') {
      this.#request.socket.destroy();
      return true;
    }
    if (this.#state !== 'arriving') return false;
    if (this.owed === 0 && this.ticksWaited * tickMs < waitMsMax) return false;
    // Node checks the time of a request once only, so the connection must not go on.
    this.#response.shouldKeepAlive = false;
    this.#refuse(overloaded('There was no room for the body in time.', this.#shared.budget));
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
    // Every request closes in the end; an error made for nothing is a tenth of a small PUT.
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

  /** A mark that stayed would keep the body in memory for as long as its connection lives. */
  #leaveAs(state: State): void {
    this.#state = state;
    if (!this.#isMarked) return;
    const { marked } = this.#shared;
    if (marked.get(this.#request.socket) === this) marked.delete(this.#request.socket);
  }

  /** The rest is read and dropped: a client that is cut off while sending never sees the answer. */
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
