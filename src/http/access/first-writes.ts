// Carries out writes in a namespace that was not made yet. The first entry that is put makes it: the
// namespace's record is put in the same transaction, and in the same shard. A write that puts no
// entry makes none. Judges no caller.
import type { Namespaces, NewNamespace } from '../../access/namespaces.ts';
import { clientEntryOf, isOfClient } from '../../locks/client-entry.ts';
import type { TransactionName } from '../../store/authorization.ts';
import type { CommandOperation, PutOperation } from '../../store/operation.ts';
import {
  transactionOfCommand,
  transactionOfPut,
  type OperationTransaction,
} from '../../store/operation-transaction.ts';
import type { RefusedResult, ReplyResult, Result } from '../../store/result.ts';
import type { Store, TransactOptions } from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';

export interface FirstWritesOptions {
  readonly store: Pick<Store, 'transact' | 'durability'>;
  readonly namespaces: Pick<Namespaces, 'makeBy'>;
}

export class FirstWrites {
  readonly #options: FirstWritesOptions;

  constructor(options: FirstWritesOptions) {
    this.#options = options;
  }

  /**
   * @param names the first one, and all others that are no record of the server, are of one namespace
   * @throws StoreError as `Namespaces.makeBy` does
   */
  transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const { store, namespaces } = this.#options;
    const [first] = names;
    const entry = first && clientEntryOf(first);
    if (first === undefined || entry === undefined)
      throw new Error('a write that makes a namespace has an entry');
    return namespaces.makeBy(entry.namespace, first.key, async (making) => {
      if (making === undefined) return await store.transact(names, plan, options);
      let putsRecord = false;
      const planned = withRecord(names, plan, making, (isPut) => void (putsRecord = isPut));
      const result = await store.transact([...names, making.name], planned, options);
      if (result.kind === 'committed') making.told(putsRecord);
      else if (result.error.outcome === 'not-applied') making.told(false);
      return result;
    });
  }

  async put(operation: PutOperation, options: TransactOptions): Promise<Result> {
    return await this.#carryOut(transactionOfPut(operation), options);
  }

  async command(
    operation: CommandOperation,
    options: TransactOptions,
  ): Promise<ReplyResult | RefusedResult> {
    return await this.#carryOut(transactionOfCommand(operation, options), options);
  }

  async #carryOut<Kind>(
    { names, plan }: OperationTransaction<Kind>,
    options: TransactOptions,
  ): Promise<Kind | RefusedResult> {
    const result = await this.transact(names, plan, options);
    if (result.kind === 'refused') return result;
    return result.output(this.#options.store.durability);
  }
}

/**
 * The same plan, with the namespace's record as one more entry behind all others.
 *
 * @param onPlanned called with whether the latest plan puts the record
 */
function withRecord<Output>(
  names: readonly TransactionName[],
  plan: TransactionPlan<Output>,
  making: NewNamespace,
  onPlanned: (putsRecord: boolean) => void,
): TransactionPlan<Output> {
  return ({ entries, versions, now }) => {
    const planned = plan({ entries: entries.slice(0, -1), versions: versions.slice(0, -1), now });
    const changes = names.map((_, index) => planned.changes[index]);
    const putsEntry = names.some((name, index) => {
      const change = changes[index];
      return change !== undefined && change !== 'delete' && isOfClient(name);
    });
    onPlanned(putsEntry);
    return { ...planned, changes: [...changes, putsEntry ? making.put : undefined] };
  };
}
