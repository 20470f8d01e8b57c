// A store whose operations can be made to wait, as behind a lock: an operation is judged and carried
// out once the wait is over. Records of users and namespaces never wait.
import type { KeyRange, ListPage, ListQuery } from '../../../src/store/listing.ts';
import type { CommandOperation, EntryName, Operation } from '../../../src/store/operation.ts';
import type { ReplyResult, Result } from '../../../src/store/result.ts';
import type { SubmitOptions } from '../../../src/store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';
import { ModelStore } from './model-store.ts';

type Call = 'submit' | 'submitCommands' | 'list' | 'count' | 'transact';

export class HeldStore extends ModelStore {
  /** Called before each operation; the operation waits for the promise. */
  before: (call: Call) => Promise<void> | undefined = () => undefined;
  #release: (() => void) | undefined;
  #waiting = 0;

  /** Operations wait from now on. */
  hold(): void {
    const released = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.before = () => {
      this.#waiting += 1;
      return released;
    };
  }

  release(): void {
    this.before = () => undefined;
    this.#waiting = 0;
    this.#release?.();
  }

  /** Number of operations that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  override submit(operation: Operation, options?: SubmitOptions): Result | Promise<Result> {
    const wait = this.#wait('submit', operation);
    if (wait === undefined) return super.submit(operation, options);
    return wait.then(() => super.submit(operation, options));
  }

  override async submitCommands(
    operations: readonly (Operation | CommandOperation)[],
    options?: SubmitOptions,
  ): Promise<(Result | ReplyResult)[]> {
    await this.#wait('submitCommands', operations[0]);
    return await super.submitCommands(operations, options);
  }

  override async list(query: ListQuery): Promise<ListPage> {
    await this.#wait('list', query);
    return await super.list(query);
  }

  override async count(namespace: string, within?: readonly KeyRange[]): Promise<number> {
    await this.#wait('count', { namespace });
    return await super.count(namespace, within);
  }

  override async transact<Output>(
    names: readonly EntryName[],
    plan: TransactionPlan<Output>,
    options?: SubmitOptions,
  ): Promise<TransactionResult<Output>> {
    await this.#wait('transact', names[0]);
    return await super.transact(names, plan, options);
  }

  #wait(call: Call, about: { readonly namespace: string } | undefined): Promise<void> | undefined {
    return about?.namespace.startsWith('~') === true ? undefined : this.before(call);
  }
}
