// One connection of the lane: takes plain requests one after another, has each answered, and sends the
// replies in their order. Anything else goes to the framework with all unread bytes, for good. Knows
// no route and no byte: request-input.ts reads, and reply-output.ts writes.
import type { Socket } from 'node:net';
import { tooLarge, type BodyLimit } from '../body/incoming-body.ts';
import { labelOfRoute } from '../waits/waited-request.ts';
import type { RawAnswer } from '../wire/raw-answer.ts';
import { newRequestId } from '../wire/request-id.ts';
import type { KeyAnswer } from '../wire/value-answer.ts';
import type { HandoverReason } from './head-parser.ts';
import type { LaneRequest } from './lane-request.ts';
import { addedBy, type LaneRoute } from './lane-routes.ts';
import type { LaneServices } from './lane-services.ts';
import { ReplyOutput } from './reply-output.ts';
import { RequestInput, type FoundRequest } from './request-input.ts';

export class LaneConnection {
  readonly #socket: Socket;
  readonly #lane: LaneServices;
  readonly #input: RequestInput;
  readonly #output: ReplyOutput;
  #isBusy = false;
  #isPaused = false;
  #hasEnded = false;
  #isOver = false;
  #activeAtMs: number;

  constructor(socket: Socket, lane: LaneServices) {
    this.#socket = socket;
    this.#lane = lane;
    this.#input = new RequestInput(socket, lane);
    this.#output = new ReplyOutput(socket, lane, () => {
      if (!this.#isOver && !this.#isBusy) this.#guarded(this.#work);
    });
    this.#activeAtMs = lane.monotonicMs();
    socket.on('data', this.#onData).on('end', this.#onEnd);
    socket.on('error', this.#onError).on('close', this.#onClose).on('timeout', this.#onTimeout);
  }

  /** True while a request that has arrived whole is not answered. */
  get isAwaited(): boolean {
    return this.#isBusy;
  }

  /** Requests that have arrived whole, or nearly so, and are not answered. Counted on demand. */
  get requestCount(): number {
    return (this.#isBusy ? 1 : 0) + this.#input.countHeads();
  }

  /** True if the connection has had a request, and nothing has arrived, is answered or on its way. */
  get isIdle(): boolean {
    return !this.#isHeldUp && this.#input.isEmpty && this.#input.hasHadRequest;
  }

  /** True while the next request must wait for the one before, or for the client. */
  get #isHeldUp(): boolean {
    return this.#isBusy || this.#output.isBlocked;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Hands over a connection that sends nothing or only a part of a request: the framework's path has
   * the limits of time for that. Ends one that was idle for too long.
   */
  sweep(nowMs: number, slowMs: number, idleMs: number): void {
    const forMs = nowMs - this.#activeAtMs;
    if (this.#isHeldUp) return;
    const { isIdle } = this;
    if (isIdle && forMs >= idleMs) this.destroy();
    else if (!isIdle && forMs >= slowMs) this.#handOver('slow');
  }

  /** Hands over a connection whose body has not arrived whole: it takes room that others wait for. */
  yieldRoom(): void {
    if (this.#input.holdsBody && !this.#isBusy) this.#handOver('no_room');
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    this.#input.push(chunk);
    // A client may send the next requests early; so many bytes of them wait here, and no more.
    if (this.#isHeldUp) this.#pause();
    else this.#guarded(this.#work);
  };

  /** Does a part of the work. After a bug, the client must not wait for a reply that will not come. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#lane.noteFault(error);
      this.destroy();
    }
  }

  /** Answers what has arrived, until a request is not whole, or its answer takes time. */
  readonly #work = (): void => {
    while (!this.#isHeldUp && !this.#isOver && !this.#input.isEmpty) {
      const found = this.#input.find();
      if (found === 'unfinished') {
        if (this.#input.isFirstPiece) this.#activeAtMs = this.#lane.monotonicMs();
        break;
      }
      if (typeof found === 'string') {
        this.#output.flush();
        // The replies before are on their way; a client that does not take them is no plain case.
        if (!this.#isOver) this.#handOver(found);
        return;
      }
      this.#answer(found, this.#input.take(found));
      this.#output.flushIfLarge();
    }
    this.#output.flush();
    if (this.#isOver) return;
    if (this.#isHeldUp) {
      // The end of the client's bytes must come behind those that wait: they may be handed over.
      if (!this.#input.isEmpty) this.#pause();
      return;
    }
    if (this.#input.isEmpty) this.#input.clear();
    this.#resume();
    if (this.#hasEnded) this.#finish();
  };

  #answer({ request, route }: FoundRequest, body: Buffer): void {
    const { gate, admission } = this.#lane;
    const startedAtMs = this.#lane.monotonicMs();
    const refused =
      gate.split(request) ??
      admission.refusalOf(request)?.answer ??
      gate.answerInstead(request) ??
      admission.refusalOfWork(request)?.answer;
    if (refused !== undefined) {
      this.#reply(request, route, refused, startedAtMs);
      return;
    }
    let answered: KeyAnswer | Promise<KeyAnswer>;
    try {
      answered = route.answer(request, (limit) => chargedBody(request, body, limit));
    } catch (error) {
      answered = this.#lane.answerOfError(request, route, error);
    }
    if (!(answered instanceof Promise)) {
      this.#reply(request, route, answered, startedAtMs);
      return;
    }
    this.#isBusy = true;
    answered.then(
      (answer) => this.#finishAnswer(request, route, answer, startedAtMs),
      (error: unknown) => {
        const answer = this.#lane.answerOfError(request, route, error);
        this.#finishAnswer(request, route, answer, startedAtMs);
      },
    );
  }

  #finishAnswer(
    request: LaneRequest,
    route: LaneRoute,
    answer: KeyAnswer,
    startedAtMs: number,
  ): void {
    this.#isBusy = false;
    this.#guarded(() => {
      this.#reply(request, route, answer, startedAtMs);
      this.#work();
    });
  }

  #reply(
    request: LaneRequest,
    route: LaneRoute,
    answer: KeyAnswer | RawAnswer,
    startedAtMs: number,
  ): void {
    this.#input.releaseBody();
    const { draining } = this.#lane.connections;
    const status = this.#output.add(answer, {
      isHead: request.method === 'HEAD',
      isLast: draining,
      replyHeaders: request.replyHeaders,
      requestId: request.requestId ?? newRequestId(),
      added: addedBy(route),
    });
    this.#activeAtMs = this.#lane.monotonicMs();
    const label = labelOfRoute(route.label, request);
    this.#lane.onReply(label, request.method, status, this.#activeAtMs - startedAtMs);
    if (draining) this.#endWithReply();
  }

  /** The reply that is gathered is the last one: requests behind it get no answer. */
  #endWithReply(): void {
    this.#output.flush();
    this.#end();
    this.#socket.destroySoon();
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isHeldUp && !this.#isOver) this.#guarded(this.#work);
  };

  /** The client sends no more, and has all its replies. */
  #finish(): void {
    if (!this.#input.isEmpty) {
      const head = this.#input.headAtHand;
      this.#leave();
      this.#lane.answerCutShort(this.#socket, head);
      return;
    }
    this.#end();
    this.#socket.destroySoon();
  }

  /** Nothing is read, answered or written from now on. */
  #end(): void {
    this.#isOver = true;
    this.#output.close();
  }

  #handOver(reason: HandoverReason): void {
    const { rest } = this.#input;
    this.#leave();
    this.#lane.handOver(this.#socket, rest, reason);
  }

  /** Takes the lane's hands off the socket. */
  #leave(): void {
    this.#end();
    this.#input.releaseBody();
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd);
    socket.off('error', this.#onError).off('close', this.#onClose).off('timeout', this.#onTimeout);
    this.#input.clear();
    this.#lane.forget(socket);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  readonly #onError = (): void => this.destroy();

  readonly #onTimeout = (): void => {
    if (this.#output.isBlocked) this.#lane.replies.cut(this.#socket);
  };

  readonly #onClose = (): void => {
    this.#end();
    this.#input.releaseBody();
    this.#lane.forget(this.#socket);
  };
}

function chargedBody({ charge }: LaneRequest, body: Buffer, limit: BodyLimit): Buffer {
  if (body.length > limit.bytesMax) throw tooLarge(limit);
  charge?.countBody(body.length, limit);
  return body;
}
