// Gathers the results of one request over many operations, in order.
import type { StoreError } from '../base/errors.ts';
import type { Result } from '../store/result.ts';

export class ReplyCollector {
  readonly results: Promise<Result[]>;
  readonly #results: Result[];
  readonly #refuseValue: ((bytes: number) => StoreError | undefined) | undefined;
  #resolve: (results: Result[]) => void = () => {};
  #missing: number;

  /** @param refuseValue see `SubmitOptions` */
  constructor(count: number, refuseValue?: (bytes: number) => StoreError | undefined) {
    this.#results = [];
    this.#results.length = count;
    this.#missing = count;
    this.#refuseValue = refuseValue;
    this.results = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (count === 0) this.#resolve([]);
  }

  settle(index: number): (result: Result) => void {
    return (result) => {
      this.#results[index] = this.#admitted(result);
      this.#missing -= 1;
      if (this.#missing === 0) this.#resolve(this.#results);
    };
  }

  #admitted(result: Result): Result {
    if (result.kind !== 'entry' || result.value === undefined) return result;
    const error = this.#refuseValue?.(result.size);
    return error === undefined ? result : { kind: 'refused', error };
  }
}
