// Reads request bodies as raw bytes, whatever their declared type. Each has a limit, and all share
// a budget (body-budget.ts). Must not know what is in a body.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { StoreError } from '../../base/errors.ts';
import type { HttpLimits } from '../limits.ts';
import { BodyBudget } from './body-budget.ts';
import { IncomingBody, tooLarge, type BodyLimit, type SharedByBodies } from './incoming-body.ts';

export type { BodyLimit } from './incoming-body.ts';

/**
 * Reads the whole body of one request.
 *
 * @throws StoreError as `BodyReader.read` does
 */
export type ReadBody = (limit: BodyLimit) => Buffer | Promise<Buffer>;

const strayLimit: BodyLimit = { bytesMax: 16 * 1024, code: 'REQUEST_TOO_LARGE' };

/**
 * Reads a body that means nothing, such as that of a DELETE. A write must not begin before its request
 * is whole: the rest may be malformed, and is then answered as if nothing had happened.
 *
 * @throws StoreError as `BodyReader.read` does
 */
export function readStrayBody(readBody: ReadBody): Buffer | Promise<Buffer> {
  return readBody(strayLimit);
}

const emptyBody = Buffer.alloc(0);

/** The length in the framing headers; undefined if only the end of the body will tell. */
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

/** False for HTTP/1.0: such a client would take a `100 Continue` for its reply. */
function awaitsContinue({ headers, raw }: FastifyRequest): boolean {
  const { expect } = headers;
  return expect?.trim().toLowerCase() === '100-continue' && raw.httpVersion === '1.1';
}

export type BodyReaderLimits = Pick<
  HttpLimits,
  'bodyBytesInFlightMax' | 'valueBytesMax' | 'batchBytesMax'
>;

export class BodyReader {
  readonly budget: BodyBudget;
  readonly #shared: SharedByBodies;

  constructor({ bodyBytesInFlightMax, valueBytesMax, batchBytesMax }: BodyReaderLimits) {
    this.budget = new BodyBudget({
      bytesMax: bodyBytesInFlightMax,
      bodyBytesMax: Math.max(valueBytesMax, batchBytesMax),
    });
    this.#shared = { budget: this.budget, marked: new WeakMap() };
  }

  /**
   * Returns the whole body. The body waits for room as long as node lets a request take. The room
   * stays taken until the reply has ended, because the value may wait for the store as long.
   *
   * @throws StoreError if the body is encoded, too large or cut off
   * @throws StoreError if the caller has had its bytes: before the body is read, if its length is announced
   * @throws StoreError if the body came too slowly while others waited, or found no room in time
   */
  read(request: FastifyRequest, reply: FastifyReply, limit: BodyLimit): Buffer | Promise<Buffer> {
    refuseEncoding(request);
    const length = announcedLength(request);
    if (length === 0) return emptyBody;
    if (length !== undefined && length > limit.bytesMax) throw tooLarge(limit);
    const { charge } = request.raw;
    if (length !== undefined) charge?.countBody(length, limit);
    if (awaitsContinue(request)) reply.raw.writeContinue();
    const whole = new Promise<Buffer>((resolve, reject) => {
      const { raw } = request;
      const body = new IncomingBody(raw, reply.raw, limit, length, this.#shared, resolve, reject);
      body.listen();
    });
    if (charge === undefined || length !== undefined) return whole;
    return whole.then((body) => {
      charge.countBody(body.length, limit);
      return body;
    });
  }

  /**
   * Handles a connection on which a request has not arrived in time.
   *
   * @returns whether the caller has nothing left to say. Either the body had to wait for room,
   *   which is no fault of the client. Or the body was refused before, and the client has its
   *   reply.
   */
  answerLate(socket: Socket): boolean {
    return this.#shared.marked.get(socket)?.giveUp() ?? false;
  }
}
