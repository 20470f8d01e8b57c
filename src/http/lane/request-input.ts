// The bytes of one connection that have arrived and are not answered: finds the whole plain requests
// among them, one after another. Holds room for the bodies that arrive. Knows no reply, and never reads
// or writes the socket.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import {
  hasBareLineEnd,
  parseHeaderBlock,
  parseRequestLine,
  type HandoverReason,
  type HeaderBlock,
} from './head-parser.ts';
import type { UnfinishedHead } from '../wire/client-error.ts';
import { LaneRequest } from './lane-request.ts';
import { laneBodyBytesMax, type LaneRoute } from './lane-routes.ts';
import type { LaneServices } from './lane-services.ts';

/** A longer head is handed over. */
const headBytesMax = 8 * 1024;

/** A request that comes in more pieces is handed over: joining pieces must stay cheap. */
const piecesMax = 64;

const endOfHead = '\r\n\r\n';
const noBytes = Buffer.alloc(0);

export interface FoundRequest {
  readonly request: LaneRequest;
  readonly route: LaneRoute;
  readonly headEnd: number;
  readonly bodyBytes: number;
}

export class RequestInput {
  readonly #socket: Socket;
  readonly #lane: Pick<LaneServices, 'routes' | 'takeRoom' | 'releaseRoom'>;
  /** Bytes that have arrived; those before `#start` are done with. */
  #bytes: Buffer = noBytes;
  #start = 0;
  /** Pieces in which the present request has arrived so far. */
  #pieces = 0;
  #bodyBytesHeld = 0;
  /** The header lines of the request before, and their meaning: most requests of a client are alike. */
  #lastBlockText: string | undefined;
  #lastBlock: HeaderBlock | HandoverReason = 'syntax';

  /** @param socket for the requests, which tell of it */
  constructor(socket: Socket, lane: Pick<LaneServices, 'routes' | 'takeRoom' | 'releaseRoom'>) {
    this.#socket = socket;
    this.#lane = lane;
  }

  /** True if no byte waits. */
  get isEmpty(): boolean {
    return this.#start === this.#bytes.length;
  }

  /** True if the head of a request was whole. */
  get hasHadRequest(): boolean {
    return this.#lastBlockText !== undefined;
  }

  /** True if all bytes of the present request have come in one piece. */
  get isFirstPiece(): boolean {
    return this.#pieces === 1;
  }

  /** True if a part of a body has arrived, or a whole one is not answered. */
  get holdsBody(): boolean {
    return this.#bodyBytesHeld > 0;
  }

  /** The bytes that wait. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#start);
  }

  /** The unfinished request, as far as its reply depends on it. */
  get headAtHand(): UnfinishedHead {
    const headEnd = this.#bytes.indexOf(endOfHead, this.#start);
    if (headEnd === -1) return { target: '', headers: {} };
    const text = this.#bytes.toString('latin1', this.#start, headEnd);
    const block = this.#blockOf(text.slice(text.indexOf('\r\n') + 2));
    const headers = typeof block === 'string' ? {} : block.headers;
    return { target: text.split(' ', 2)[1] ?? '', headers };
  }

  /** Counts heads of requests in the bytes that wait; bodies are skipped. */
  countHeads(): number {
    const bytes = this.rest;
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

  push(chunk: Buffer): void {
    this.#bytes = this.isEmpty ? chunk : Buffer.concat([this.rest, chunk]);
    this.#start = 0;
    this.#pieces += 1;
  }

  /** Finds the next request, if it is whole and plain. */
  find(): FoundRequest | 'unfinished' | HandoverReason {
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

  /** Passes the request that was found last. @returns its body */
  take({ headEnd, bodyBytes }: FoundRequest): Buffer {
    const end = headEnd + bodyBytes;
    const body = bodyBytes === 0 ? noBytes : this.#bytes.subarray(headEnd, end);
    this.#start = end;
    this.#pieces = this.isEmpty ? 0 : 1;
    return body;
  }

  /** Gives back the room of the body that was taken last, or of the one that arrives. */
  releaseBody(): void {
    if (this.#bodyBytesHeld === 0) return;
    this.#lane.releaseRoom(this.#bodyBytesHeld);
    this.#bodyBytesHeld = 0;
  }

  /** Lets go of all bytes. */
  clear(): void {
    this.#bytes = noBytes;
    this.#start = 0;
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
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0d || byte === 0x0a;
}
