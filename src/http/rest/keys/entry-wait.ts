// A read of one key that is answered once the entry is another than the client holds. Watches the entry
// from before its first read until its answer. So no change is missed, and waiting asks nothing of the
// store. Knows neither conditions nor answers.
import type { StoreError } from '../../../base/errors.ts';
import type { ReadOperation } from '../../../store/operation.ts';
import type { Sight } from '../../../store/result.ts';
import type { StoreOfCaller } from '../../access/authorized-store.ts';
import type { Wait, Waiter, Waits } from '../../waits/waits.ts';

export interface EntryWaitOptions<Answer> extends Pick<Waiter, 'waitMs' | 'socket'> {
  readonly waits: Waits;
  readonly store: StoreOfCaller;
  readonly read: ReadOperation;
  /** True if the client holds just this already. */
  readonly isHeld: (sight: Sight) => boolean;
  /** May throw the error that is to be answered. */
  readonly answerOf: (sight: Sight) => Answer;
  /** Called if the request has to wait. */
  readonly onWait: () => void;
}

export class EntryWait<Answer> {
  readonly #options: EntryWaitOptions<Answer>;
  #sight: Sight = { kind: 'missing' };
  /** True once the sight is one to answer. No later one counts: the first change is the answer. */
  #isFound = false;
  #isOver = false;
  #wait: Wait | undefined;
  #endWatch: (() => void) | undefined;
  #resolve: (answer: Answer) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(options: EntryWaitOptions<Answer>) {
    this.#options = options;
  }

  /** @throws StoreError WAITERS_FULL; whatever `answerOf` throws; the refusal of a caller without rights */
  run(): Promise<Answer> {
    const { store, read } = this.#options;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#endWatch = store.watch(read, this.#onSight);
      if (this.#isOver) this.#endWatch();
    });
  }

  readonly #onSight = (sight: Sight): void => {
    if (this.#isFound || this.#isOver) return;
    this.#sight = sight;
    this.#isFound = !this.#options.isHeld(sight);
    if (this.#wait !== undefined) {
      if (this.#isFound) this.#wait.wake();
    } else if (this.#isFound) {
      // The read may have waited for a lock since it was judged.
      this.#onEnd(sight.kind === 'refused' ? undefined : this.#refusal());
    } else {
      this.#begin();
    }
  };

  #begin(): void {
    const { waits, read, waitMs, socket, onWait } = this.#options;
    const { namespace } = read;
    const [refusal, onEnd] = [this.#refusal, this.#onEnd];
    try {
      this.#wait = waits.begin({ namespace, waitMs, socket, refusal, onEnd });
      onWait();
    } catch (error) {
      this.#end(() => this.#reject(error));
    }
  }

  readonly #refusal = (): StoreError | undefined => {
    const { store, read } = this.#options;
    return store.authorization.refusalOfRead(read);
  };

  readonly #onEnd = (refusal: StoreError | undefined): void => {
    this.#end(() => {
      if (refusal === undefined) this.#resolve(this.#options.answerOf(this.#sight));
      else this.#reject(refusal);
    });
  };

  #end(settle: () => void): void {
    this.#isOver = true;
    this.#endWatch?.();
    try {
      settle();
    } catch (error) {
      this.#reject(error);
    }
  }
}
