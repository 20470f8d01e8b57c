// Reads request bodies as they came, whatever they claim to be, within a limit each and a limit
// for all at one moment. Knows nothing of what is in them.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { StoreError, type ErrorCode } from '../base/errors.ts';
import { ByteRoom } from './byte-room.ts';

const emptyBody = Buffer.alloc(0);

export interface BodyLimit {
  readonly bytesMax: number;
  /** The error of a body beyond it. */
  readonly code: ErrorCode;
}

/** What the framing headers say: undefined where only the end of the body will tell. */
function announcedLength(request: FastifyRequest): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return undefined;
  const length = request.headers['content-length'];
  return length === undefined ? 0 : Number(length);
}

function refuseEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return;
  throw new StoreError('ENCODING_UNSUPPORTED', 'Only Content-Encoding: identity is taken.', {
    parameter: 'Content-Encoding',
  });
}

/** A client of HTTP/1.0 would take a `100 Continue` for its reply. */
function awaitsContinue({ headers, raw }: FastifyRequest): boolean {
  const { expect } = headers;
  return expect?.trim().toLowerCase() === '100-continue' && raw.httpVersion === '1.1';
}

function tooLarge({ bytesMax, code }: BodyLimit): StoreError {
  return new StoreError(code, `The body may have at most ${bytesMax} bytes.`, { limit: bytesMax });
}

/** Collects the chunks; listens itself, so that there is one object a body. */
class Collector {
  readonly #stream: IncomingMessage;
  readonly #limit: BodyLimit;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #isWhole = false;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: StoreError) => void;

  constructor(
    stream: IncomingMessage,
    limit: BodyLimit,
    resolve: (body: Buffer) => void,
    reject: (error: StoreError) => void,
  ) {
    this.#stream = stream;
    this.#limit = limit;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  listen(): void {
    this.#stream.on('data', this.#onData).on('end', this.#onEnd);
    this.#stream.on('error', this.#onCut).on('close', this.#onCut);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#length += chunk.length;
    if (this.#length <= this.#limit.bytesMax) {
      this.#chunks.push(chunk);
      return;
    }
    // The rest is read and dropped: a client that is cut off while sending never sees the answer.
    this.#stream.off('data', this.#onData).resume();
    this.#chunks.length = 0;
    this.#reject(tooLarge(this.#limit));
  };

  readonly #onEnd = (): void => {
    this.#isWhole = true;
    // Copied even where it is one chunk: the chunk is a view of node's read buffer, far larger.
    this.#resolve(Buffer.concat(this.#chunks, this.#length));
  };

  readonly #onCut = (): void => {
    // Every request closes in the end; an error made for nothing is a tenth of a small PUT.
    if (this.#isWhole) return;
    this.#reject(new StoreError('BAD_REQUEST', 'The connection ended before the body did.'));
  };
}

export class BodyReader {
  readonly #room: ByteRoom;

  constructor(bodyBytesInFlightMax: number) {
    this.#room = new ByteRoom(bodyBytesInFlightMax);
  }

  /** Bytes reserved for bodies at the moment. */
  get bytesInFlight(): number {
    return this.#room.held;
  }

  /**
   * The whole body. Its room stays reserved until the reply has ended, since the value may wait
   * for the store as long.
   *
   * @throws StoreError where it is encoded, too large, cut off, or where no room is left
   */
  read(request: FastifyRequest, reply: FastifyReply, limit: BodyLimit): Buffer | Promise<Buffer> {
    refuseEncoding(request);
    const length = announcedLength(request);
    if (length === 0) return emptyBody;
    if (length !== undefined && length > limit.bytesMax) throw tooLarge(limit);
    this.#reserve(length ?? limit.bytesMax, reply);
    if (awaitsContinue(request)) reply.raw.writeContinue();
    return new Promise((resolve, reject) => {
      new Collector(request.raw, limit, resolve, reject).listen();
    });
  }

  #reserve(bytes: number, reply: FastifyReply): void {
    if (!this.#room.has(bytes)) {
      throw new StoreError('OVERLOADED', 'Too many request bodies are in flight.', {
        retryable: true,
        retryAfterMs: 1000,
      });
    }
    this.#room.hold(reply.raw, bytes);
  }
}
