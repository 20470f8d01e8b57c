// One connection of the lane: reads plain requests one after another, has each answered, and writes the
// replies in their order. Anything else goes to the framework with all unread bytes, for good. Knows
// no route.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { tooLarge, type BodyLimit } from '../body/incoming-body.ts';
import type { RawAnswer } from '../wire/raw-answer.ts';
import { isValueAnswer, smallValueBytesMax, type KeyAnswer } from '../wire/value-answer.ts';
import { bufferOf } from '../../base/byte-string.ts';
import {
  hasBareLineEnd,
  parseHeaderBlock,
  parseRequestLine,
  type HandoverReason,
  type HeaderBlock,
} from './head-parser.ts';
import type { LaneServices } from './lane-services.ts';
import { LaneRequest } from './lane-request.ts';
import { addedBy, laneBodyBytesMax, type LaneRoute } from './lane-routes.ts';
import type { ReplyFacts } from './reply-text.ts';

/** A longer head is handed over. */
const headBytesMax = 8 * 1024;

/** A request that comes in more pieces is handed over: joining pieces must stay cheap. */
const piecesMax = 64;

/** Replies of pipelined requests gather up to this size before they are written. */
const gatheredMax = 64 * 1024;

const endOfHead = '\r\n\r\n';
const emptyBody = Buffer.alloc(0);

interface Found {
  readonly request: LaneRequest;
  readonly route: LaneRoute;
  readonly headEnd: number;
  readonly bodyBytes: number;
}

export class LaneConnection {
  readonly #socket: Socket;
  readonly #lane: LaneServices;
  /** Bytes that have arrived; those before `#start` are done with. */
  #bytes: Buffer = emptyBody;
  #start = 0;
  /** Pieces in which the present request has arrived so far. */
  #pieces = 0;
  #bodyBytesHeld = 0;
  /** The header lines of the request before, and their meaning: most requests of a client are alike. */
  #lastBlockText: string | undefined;
  #lastBlock: HeaderBlock | HandoverReason = 'syntax';
  #out = '';
  #isBusy = false;
  /** True while the client has not taken earlier replies. */
  #isBlocked = false;
  #isPaused = false;
  #hasEnded = false;
  #isOver = false;
  #activeAtMs: number;

  constructor(socket: Socket, lane: LaneServices) {
    this.#socket = socket;
    this.#lane = lane;
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
    return (this.#isBusy ? 1 : 0) + wholeHeadsIn(this.#bytes.subarray(this.#start));
  }

  /** True if the connection has had a request, and nothing has arrived, is answered or on its way. */
  get isIdle(): boolean {
    return this.#isQuiet && this.#lastBlockText !== undefined;
  }

  get #isQuiet(): boolean {
    return !this.#isBusy && !this.#isBlocked && this.#start === this.#bytes.length;
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
    if (this.#isBusy || this.#isBlocked) return;
    const { isIdle } = this;
    if (isIdle && forMs >= idleMs) this.destroy();
    else if (!isIdle && forMs >= slowMs) this.#handOver('slow');
  }

  /** Hands over a connection whose body has not arrived whole: it takes room that others wait for. */
  yieldRoom(): void {
    if (this.#bodyBytesHeld > 0 && !this.#isBusy) this.#handOver('no_room');
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    const rest = this.#bytes.length - this.#start;
    this.#bytes = rest === 0 ? chunk : Buffer.concat([this.#bytes.subarray(this.#start), chunk]);
    this.#start = 0;
    this.#pieces += 1;
    // A client may send the next requests early; so many bytes of them wait here, and no more.
    if (this.#isBusy || this.#isBlocked) this.#pause();
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
    while (!this.#isBusy && !this.#isBlocked && !this.#isOver && this.#start < this.#bytes.length) {
      const found = this.#find();
      if (found === 'unfinished') {
        if (this.#pieces === 1) this.#activeAtMs = this.#lane.monotonicMs();
        break;
      }
      if (typeof found === 'string') {
        this.#flush();
        // The replies before are on their way; a client that does not take them is no plain case.
        if (!this.#isOver) this.#handOver(found);
        return;
      }
      const bodyEnd = found.headEnd + found.bodyBytes;
      const body = found.bodyBytes === 0 ? emptyBody : this.#bytes.subarray(found.headEnd, bodyEnd);
      this.#start = bodyEnd;
      this.#pieces = this.#start < this.#bytes.length ? 1 : 0;
      this.#answer(found, body);
      if (this.#out.length > gatheredMax) this.#flush();
    }
    this.#flush();
    if (this.#isOver) return;
    if (this.#isBusy || this.#isBlocked) {
      // The end of the client's bytes must come behind those that wait: they may be handed over.
      if (this.#start < this.#bytes.length) this.#pause();
      return;
    }
    if (this.#start === this.#bytes.length) {
      this.#bytes = emptyBody;
      this.#start = 0;
    }
    this.#resume();
    if (this.#hasEnded) this.#finish();
  };

  /** Finds the next request in the bytes, if it is whole and plain. */
  #find(): Found | 'unfinished' | HandoverReason {
    // Node ignores empty lines before a request, and the end of the client's bytes behind them.
    if (isLineEnd(this.#bytes[this.#start])) return 'syntax';
    const headEnd = this.#bytes.indexOf(endOfHead, this.#start);
    if (headEnd === -1) return this.#judgeUnfinishedHead();
    if (headEnd - this.#start > headBytesMax) return 'long_head';
    const text = this.#bytes.toString('latin1', this.#start, headEnd);
    const lineEnd = text.indexOf('\r\n');
    if (lineEnd === -1) return 'framing';
    const line = parseRequestLine(text.slice(0, lineEnd));
    if (line === undefined) return 'request_line';
    const block = this.#blockOf(text.slice(lineEnd + 2));
    if (typeof block === 'string') return block;
    const { method, target } = line;
    const route = this.#lane.routes.find(method, target);
    if (route === undefined) return 'route';
    const { contentLength: bodyBytes, headers } = block;
    if (bodyBytes > route.bodyBytesMax || bodyBytes > laneBodyBytesMax) return 'body';
    const bodyStart = headEnd + endOfHead.length;
    const arrived = Math.min(bodyBytes, this.#bytes.length - bodyStart);
    if (!this.#holdBody(arrived)) return 'no_room';
    if (arrived < bodyBytes) return this.#pieces > piecesMax ? 'slow' : 'unfinished';
    const request = new LaneRequest(method, target, headers, this.#socket);
    return { request, route, headEnd: bodyStart, bodyBytes };
  }

  #judgeUnfinishedHead(): 'unfinished' | HandoverReason {
    if (this.#bytes.length - this.#start > headBytesMax) return 'long_head';
    if (this.#pieces > piecesMax) return 'slow';
    const text = this.#bytes.toString('latin1', this.#start);
    return hasBareLineEnd(text) ? 'syntax' : 'unfinished';
  }

  #blockOf(text: string): HeaderBlock | HandoverReason {
    if (text === this.#lastBlockText) return this.#lastBlock;
    this.#lastBlock = parseHeaderBlock(text);
    this.#lastBlockText = text;
    return this.#lastBlock;
  }

  /** @returns false if the bodies in flight have no room for so much of this one */
  #holdBody(bytes: number): boolean {
    const more = bytes - this.#bodyBytesHeld;
    if (more <= 0) return true;
    if (!this.#lane.takeRoom(more)) return false;
    this.#bodyBytesHeld = bytes;
    return true;
  }

  #releaseBody(): void {
    if (this.#bodyBytesHeld === 0) return;
    this.#lane.releaseRoom(this.#bodyBytesHeld);
    this.#bodyBytesHeld = 0;
  }

  #answer({ request, route }: Found, body: Buffer): void {
    const { gate, admission } = this.#lane;
    const startedAtMs = this.#lane.monotonicMs();
    const refused =
      gate.split(request) ?? admission.refusalOf(request)?.answer ?? gate.answerInstead(request);
    if (refused !== undefined) {
      this.#reply(request, route, refused, startedAtMs);
      return;
    }
    let answered: KeyAnswer | Promise<KeyAnswer>;
    try {
      answered = route.answer(request, (limit) => bodyWithin(body, limit));
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
    this.#releaseBody();
    const { draining } = this.#lane.connections;
    const facts: ReplyFacts = {
      isHead: request.method === 'HEAD',
      isLast: draining,
      corsHeaders: request.corsHeaders,
      added: addedBy(route),
    };
    const status = this.#gather(answer, facts);
    this.#activeAtMs = this.#lane.monotonicMs();
    this.#lane.onReply(route.label, request.method, status, this.#activeAtMs - startedAtMs);
    if (draining) this.#endWithReply();
  }

  /** @returns the status of the reply */
  #gather(answer: KeyAnswer | RawAnswer, facts: ReplyFacts): number {
    const { text } = this.#lane;
    if ('head' in answer) {
      this.#out += text.headOfRawAnswer(answer, facts);
      this.#gatherBody(answer.body, facts);
      return answer.status;
    }
    if (isValueAnswer(answer)) {
      this.#out += text.headOfValueAnswer(answer, facts);
      this.#gatherBody(answer.value, facts);
      return 200;
    }
    this.#out += text.headOfAnswer(answer, facts);
    this.#gatherBody(answer.body, facts);
    return answer.status;
  }

  #gatherBody(body: Uint8Array, { isHead }: ReplyFacts): void {
    if (isHead || body.length === 0) return;
    if (body.length <= smallValueBytesMax) {
      this.#out += bufferOf(body).toString('latin1');
      return;
    }
    if (this.#isOver) return;
    this.#socket.cork();
    this.#socket.write(this.#out, 'latin1');
    this.#out = '';
    this.#socket.write(body);
    this.#socket.uncork();
    this.#noteUnsent(body.length);
  }

  #flush(): void {
    if (this.#out === '' || this.#isOver) return;
    const text = this.#out;
    this.#out = '';
    this.#socket.write(text, 'latin1');
    this.#noteUnsent(text.length);
  }

  /** Until the client has taken its replies, it gets no others. */
  #noteUnsent(bytes: number): void {
    if (this.#socket.writableLength === 0 || this.#isBlocked) return;
    this.#isBlocked = true;
    const release = this.#lane.replies.hold(this.#socket, bytes);
    // Node calls back for an empty write once all before it have left.
    this.#socket.write('', () => {
      release();
      this.#isBlocked = false;
      if (!this.#isOver && !this.#isBusy) this.#guarded(this.#work);
    });
  }

  /** The reply that is gathered is the last one: requests behind it get no answer. */
  #endWithReply(): void {
    this.#flush();
    this.#isOver = true;
    this.#socket.destroySoon();
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isBusy && !this.#isBlocked && !this.#isOver) this.#guarded(this.#work);
  };

  /** The client sends no more, and has all its replies. */
  #finish(): void {
    if (this.#start < this.#bytes.length) {
      const target = this.#targetAtHand();
      this.#leave();
      this.#lane.answerCutShort(this.#socket, target);
      return;
    }
    this.#isOver = true;
    this.#socket.destroySoon();
  }

  /** The target of the unfinished request; empty if its head is not whole. */
  #targetAtHand(): string {
    const headEnd = this.#bytes.indexOf(endOfHead, this.#start);
    if (headEnd === -1) return '';
    return this.#bytes.toString('latin1', this.#start, headEnd).split(' ', 2)[1] ?? '';
  }

  #handOver(reason: HandoverReason): void {
    const rest = this.#bytes.subarray(this.#start);
    this.#leave();
    this.#lane.handOver(this.#socket, rest, reason);
  }

  /** Takes the lane's hands off the socket. */
  #leave(): void {
    this.#isOver = true;
    this.#releaseBody();
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd);
    socket.off('error', this.#onError).off('close', this.#onClose).off('timeout', this.#onTimeout);
    this.#bytes = emptyBody;
    this.#start = 0;
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
    if (this.#isBlocked) this.#lane.replies.cut(this.#socket);
  };

  readonly #onClose = (): void => {
    this.#isOver = true;
    this.#releaseBody();
    this.#lane.forget(this.#socket);
  };
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0d || byte === 0x0a;
}

/** Counts heads of requests in bytes that were not looked at yet; bodies are skipped. */
function wholeHeadsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count += 1) {
    const headEnd = bytes.indexOf(endOfHead, at);
    if (headEnd === -1) break;
    const [, length = '0'] =
      /\r\ncontent-length: *(\d{1,6})\r\n/i.exec(bytes.toString('latin1', at, headEnd + 2)) ?? [];
    at = headEnd + endOfHead.length + Number(length);
  }
  return count;
}

function bodyWithin(body: Buffer, limit: BodyLimit): Buffer {
  if (body.length > limit.bytesMax) throw tooLarge(limit);
  return body;
}
