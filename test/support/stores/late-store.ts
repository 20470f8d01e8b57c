// A store that answers when the test tells it to.
import type { Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import { ModelStore } from './model-store.ts';

export class LateStore extends ModelStore {
  readonly #asked: (() => void)[] = [];

  override submit(operation: Operation): Result | Promise<Result> {
    return new Promise((resolve) => {
      this.#asked.push(() => resolve(super.submit(operation)));
    });
  }

  answer(): void {
    for (const answer of this.#asked.splice(0)) answer();
  }

  get asked(): number {
    return this.#asked.length;
  }
}
