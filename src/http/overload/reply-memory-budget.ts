// Bounds the values that requests over many keys have got and not sent yet, per request and in sum.
// Single keys need no such bound: their values leave as they come.
import { StoreError } from '../../base/errors.ts';
import { withEnd, type MaybePromise } from '../../base/maybe-promise.ts';
import { tooMuchAsked } from './concurrency-limiter.ts';

export interface ReplyMemoryBudgetOptions {
  readonly bytesMax: number;
  /** The most bytes in one request. */
  readonly requestBytesMax: number;
}

export class ReplyMemoryBudget {
  readonly #options: ReplyMemoryBudgetOptions;
  #bytes = 0;

  constructor(options: ReplyMemoryBudgetOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts the values of one request for as long as the work lasts.
   *
   * @param work gets a function that reserves the bytes of one value; an error says why it cannot
   */
  during<T>(
    work: (reserve: (bytes: number) => StoreError | undefined) => MaybePromise<T>,
  ): MaybePromise<T> {
    const { bytesMax, requestBytesMax } = this.#options;
    let gathered = 0;
    const reserve = (bytes: number): StoreError | undefined => {
      if (gathered + bytes > requestBytesMax) return tooLarge(requestBytesMax);
      if (this.#bytes + bytes > bytesMax) return tooMuchAsked();
      gathered += bytes;
      this.#bytes += bytes;
      return undefined;
    };
    return withEnd(
      () => work(reserve),
      () => {
        this.#bytes -= gathered;
      },
    );
  }
}

function tooLarge(limit: number): StoreError {
  const detail = `The values of one reply may have ${limit} bytes in sum.`;
  return new StoreError('REPLY_TOO_LARGE', detail, { limit });
}
