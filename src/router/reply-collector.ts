// Gathers the results of one request over many operations, in the order of the operations. Knows
// neither queues nor shards.
import type { StoreError } from '../base/errors.ts';
import type { MaybePromise } from '../base/maybe-promise.ts';
import { replyBytesOf } from '../commands/reply-bytes.ts';
import type { RefusedResult, ReplyResult, Result } from '../store/result.ts';

/**
 * Bytes of the values that the client gets. A result without a value costs nothing worth counting.
 */
function valueBytesOf(result: Result | ReplyResult): number {
  if (result.kind === 'reply') return replyBytesOf(result.reply);
  return result.kind === 'entry' && result.value !== undefined ? result.size : 0;
}

export class ReplyCollector<Kind extends Result | ReplyResult> {
  readonly #results: (Kind | RefusedResult)[];
  readonly #reserveReplyBytes: ((bytes: number) => StoreError | undefined) | undefined;
  #resolve: ((results: (Kind | RefusedResult)[]) => void) | undefined;
  #missing: number;

  /** @param reserveReplyBytes see `SubmitOptions` */
  constructor(count: number, reserveReplyBytes?: (bytes: number) => StoreError | undefined) {
    this.#results = [];
    this.#results.length = count;
    this.#missing = count;
    this.#reserveReplyBytes = reserveReplyBytes;
  }

  /** The caller reads this once. There is no promise if nothing is missing by then. */
  get results(): MaybePromise<(Kind | RefusedResult)[]> {
    if (this.#missing === 0) return this.#results;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  complete(index: number, result: Kind): void {
    const bytes = valueBytesOf(result);
    const error = bytes === 0 ? undefined : this.#reserveReplyBytes?.(bytes);
    this.#results[index] = error === undefined ? result : { kind: 'refused', error };
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve?.(this.#results);
  }
}
