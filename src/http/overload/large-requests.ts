// The one way of requests that ask for many things: batches, transactions, pipelines, listings.
// Owns the order of the gates: the queue, the body, the store's work, the memory of the reply. Must
// not know the content of a request.
import { andThen, type MaybePromise } from '../../base/maybe-promise.ts';
import type { SubmitOptions } from '../../store/store.ts';
import type { BodyLimit, ReadBody } from '../body/body-reader.ts';
import { unitsOf, type ConcurrencyLimiter } from './concurrency-limiter.ts';
import type { LargeRequestQueue } from './large-request-queue.ts';
import type { ReplyMemoryBudget } from './reply-memory-budget.ts';

export interface LargeRequestGates {
  readonly queue: LargeRequestQueue;
  readonly work: ConcurrencyLimiter;
  readonly replyMemory: ReplyMemoryBudget;
  readonly bodyBytesMax: number;
}

export type ReplyOptions = Required<Pick<SubmitOptions, 'reserveReplyBytes'>>;

/** About what one operation takes in a body that is not parsed yet. */
const bytesOfPart = 100;

type Work<T> = (options: ReplyOptions) => MaybePromise<T>;

/** A parsed body. */
export interface LargeRequest<T> {
  /** Number of its operations, checks or commands. */
  readonly parts: number;
  readonly work: Work<T>;
}

export class LargeRequests {
  readonly #gates: LargeRequestGates;
  readonly #bodyLimit: BodyLimit;

  constructor(gates: LargeRequestGates) {
    this.#gates = gates;
    this.#bodyLimit = {
      bytesMax: gates.bodyBytesMax,
      code: 'REQUEST_TOO_LARGE',
      mayOnlyRead: true,
    };
  }

  /**
   * Reads the body, waits for a turn, then parses the body and does the work. Parsing is part of
   * the turn because it takes most of it.
   *
   * @throws StoreError OVERLOADED, REQUEST_TOO_LARGE; all errors of parsing and of the work
   */
  run<T>(
    namespace: string,
    readBody: ReadBody,
    parse: (body: Buffer) => LargeRequest<T>,
  ): MaybePromise<T> {
    const { queue } = this.#gates;
    queue.check(namespace);
    return andThen(this.read(readBody), (body) =>
      queue.run(namespace, 1 + body.length / bytesOfPart, () => {
        const { parts, work } = parse(body);
        return this.runNow(namespace, unitsOf(parts, body.length), work);
      }),
    );
  }

  /** Waits for a turn, for a large request without a body. */
  runBodiless<T>(namespace: string, units: number, work: Work<T>): MaybePromise<T> {
    const { queue } = this.#gates;
    queue.check(namespace);
    return queue.run(namespace, units, () => this.runNow(namespace, units, work));
  }

  /** Does the work at once, for a request that may be large, but turns out to be small. */
  runNow<T>(namespace: string, units: number, work: Work<T>): MaybePromise<T> {
    const { work: limiter, replyMemory } = this.#gates;
    return limiter.during(namespace, units, () =>
      replyMemory.during((reserveReplyBytes) => work({ reserveReplyBytes })),
    );
  }

  /** Reads the body of a request that may be large. The caller charges it if it writes. */
  read(readBody: ReadBody): Buffer | Promise<Buffer> {
    return readBody(this.#bodyLimit);
  }
}
