// Gathers the results of one request over many operations, in order, with a bound on the values
// that come back.
import { StoreError } from '../base/errors.ts';
import type { Result } from '../store/result.ts';

export class ReplyCollector {
  readonly results: Promise<Result[]>;
  readonly #results: Result[];
  readonly #bytesMax: number;
  #resolve: (results: Result[]) => void = () => {};
  #missing: number;
  #bytes = 0;

  /** @param bytesMax of values in sum; gets past it are refused */
  constructor(count: number, bytesMax = Infinity) {
    this.#results = [];
    this.#results.length = count;
    this.#missing = count;
    this.#bytesMax = bytesMax;
    this.results = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (count === 0) this.#resolve([]);
  }

  settle(index: number): (result: Result) => void {
    return (result) => {
      this.#results[index] = this.#withinBound(result);
      this.#missing -= 1;
      if (this.#missing === 0) this.#resolve(this.#results);
    };
  }

  #withinBound(result: Result): Result {
    if (result.kind !== 'entry' || result.value === undefined) return result;
    this.#bytes += result.size;
    if (this.#bytes <= this.#bytesMax) return result;
    const detail = `The values of one reply may have ${this.#bytesMax} bytes in sum.`;
    const error = new StoreError('REPLY_TOO_LARGE', detail, { limit: this.#bytesMax });
    return { kind: 'refused', error };
  }
}
