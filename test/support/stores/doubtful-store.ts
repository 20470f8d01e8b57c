// A store whose next transaction ends as the test tells: refused, lost, or made without an answer.
// While it is `away` it reads nothing.
import { retrySoon, StoreError, type Outcome } from '../../../src/base/errors.ts';
import type { EntryName } from '../../../src/store/operation.ts';
import type { TransactionName } from '../../../src/store/authorization.ts';
import type { Result } from '../../../src/store/result.ts';
import type { TransactOptions } from '../../../src/store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';
import { ModelStore } from './model-store.ts';

/** `made` and `lost`: the answer is that the outcome is unknown. */
type Fate = 'refused' | 'made' | 'lost';

function unavailable(outcome: Outcome): StoreError {
  return new StoreError('SHARD_UNAVAILABLE', 'The shard is away.', { ...retrySoon, outcome });
}

export class DoubtfulStore extends ModelStore {
  /** Fates of the next transactions; those after them are carried out. */
  readonly fates: (Fate | undefined)[] = [];
  isAway = false;
  readonly options: (TransactOptions | undefined)[] = [];

  override async transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    if (names.every(({ isReadOnly }) => isReadOnly === true)) {
      if (this.isAway) return { kind: 'refused', error: unavailable('not-applied') };
      return await super.transact(names, plan, options);
    }
    this.options.push(options);
    const fate = this.fates.shift();
    if (fate === 'refused') return { kind: 'refused', error: unavailable('not-applied') };
    const isAway = this.isAway;
    this.isAway = false;
    const result = await super.transact(
      names,
      (moment) => (fate === 'lost' ? { ...plan(moment), changes: [], flush: [] } : plan(moment)),
      options,
    );
    this.isAway = isAway;
    if (fate !== undefined) return { kind: 'refused', error: unavailable('unknown') };
    return result;
  }

  override async getMany(names: readonly EntryName[]): Promise<Result[]> {
    if (!this.isAway) return await super.getMany(names);
    return names.map(() => ({ kind: 'refused', error: unavailable('not-applied') }));
  }
}
