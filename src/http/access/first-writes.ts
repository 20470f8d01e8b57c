// Carries out writes in a namespace that was not made yet. The first entry that is put makes it: the
// namespace's record is put in the same transaction, and in the same shard. A write that puts no
// entry makes none. Judges no caller.
import type { Namespaces, NewNamespace } from '../../access/namespaces.ts';
import { isInternalNamespace } from '../../base/namespace-name.ts';
import { defaultCommandLimits } from '../../commands/command.ts';
import { commandTable } from '../../commands/command-table.ts';
import { nil } from '../../commands/reply.ts';
import type { TransactionName } from '../../store/authorization.ts';
import { runAtMoment } from '../../store/moment-run.ts';
import type { CommandOperation, EntryName, PutOperation } from '../../store/operation.ts';
import type { Durability, RefusedResult, ReplyResult, Result } from '../../store/result.ts';
import type { Store, TransactOptions } from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';
import { distinctKeys, planCommands, type PlannedCommand } from '../command-plan.ts';

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
   * @param names at least one; all that are no record of the server are in one namespace
   * @throws StoreError as `Namespaces.makeBy` does
   */
  transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const { store, namespaces } = this.#options;
    const [first] = names;
    if (first === undefined) throw new Error('a write that makes a namespace has an entry');
    return namespaces.makeBy(first.namespace, first.key, async (making) => {
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
    const plan: TransactionPlan<(durability: Durability) => Result> = (moment) => {
      // The value's size is judged where the request is read.
      const limits = { valueBytesMax: operation.value.length };
      const { results, changes } = runAtMoment([operation], moment, [operation], limits);
      const [result] = results;
      return {
        output: (durability) => {
          if (result?.kind === 'condition-failed') return result;
          if (result?.kind === 'written') return { ...result, durability };
          throw new Error('a put is written, or its condition fails');
        },
        changes,
      };
    };
    const result = await this.transact([nameOf(operation)], plan, options);
    if (result.kind === 'refused') return result;
    return result.output(this.#options.store.durability);
  }

  async command(
    operation: CommandOperation,
    options: TransactOptions,
  ): Promise<ReplyResult | RefusedResult> {
    const { namespace, valueBytesMax } = operation;
    const commands = [plannedCommand(operation)];
    const keys = distinctKeys(commands);
    const names = keys.map((key) => ({
      namespace,
      key,
      isReadOnly: operation.keysOnlyRead?.includes(key) === true,
    }));
    const limits = { ...defaultCommandLimits, valueBytesMax };
    const plan = planCommands(commands, keys, limits, options);
    const result = await this.transact(names, plan, options);
    if (result.kind === 'refused') return result;
    const [reply = nil] = result.output;
    return { kind: 'reply', reply };
  }
}

function nameOf({ namespace, key }: EntryName): EntryName {
  return { namespace, key };
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
    const putsEntry = names.some(({ namespace }, index) => {
      const change = changes[index];
      return change !== undefined && change !== 'delete' && !isInternalNamespace(namespace);
    });
    onPlanned(putsEntry);
    return { ...planned, changes: [...changes, putsEntry ? making.put : undefined] };
  };
}

function plannedCommand({ name, args, keys }: CommandOperation): PlannedCommand {
  const command = commandTable.get(name);
  if (command?.kind !== 'keyed') throw new Error('an operation on keys is a command on keys');
  return { command, args, keys };
}
