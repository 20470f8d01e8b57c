// A single write as a transaction: for writes that need to know what stands there before they begin.
// Knows no store.
import { defaultCommandLimits } from '../commands/command.ts';
import { commandTable } from '../commands/command-table.ts';
import { nil } from '../commands/reply.ts';
import type { TransactionName } from './authorization.ts';
import { distinctKeys, planCommands, type PlannedCommand } from './command-plan.ts';
import { runAtMoment } from './moment-run.ts';
import type { CommandOperation, PutOperation } from './operation.ts';
import type { Durability, ReplyResult, Result } from './result.ts';
import type { SubmitOptions } from './store.ts';
import type { TransactionPlan } from './transaction.ts';

/** A write as a transaction; `Kind` is that of its results. */
export interface OperationTransaction<Kind> {
  readonly names: readonly TransactionName[];
  /** Gives the result of the write, once the durability of the change is known. */
  readonly plan: TransactionPlan<(durability: Durability) => Kind>;
}

export function transactionOfPut(operation: PutOperation): OperationTransaction<Result> {
  const { namespace, key } = operation;
  return {
    names: [{ namespace, key }],
    plan: (moment) => {
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
    },
  };
}

export function transactionOfCommand(
  operation: CommandOperation,
  options: SubmitOptions,
): OperationTransaction<ReplyResult> {
  const { namespace, valueBytesMax, keysOnlyRead } = operation;
  const commands = [plannedCommand(operation)];
  const keys = distinctKeys(commands);
  const limits = { ...defaultCommandLimits, valueBytesMax };
  const planAll = planCommands(commands, keys, limits, options);
  return {
    names: keys.map((key) => ({
      namespace,
      key,
      isReadOnly: keysOnlyRead?.includes(key) === true,
    })),
    plan: (moment) => {
      const { output, changes } = planAll(moment);
      const [reply = nil] = output;
      const hasChanged = changes.some(
        (change, at) => change !== undefined && (change !== 'delete' || moment.entries[at]),
      );
      return { output: () => ({ kind: 'reply', reply, hasChanged }), changes };
    },
  };
}

function plannedCommand({ name, args, keys }: CommandOperation): PlannedCommand {
  const command = commandTable.get(name);
  if (command?.kind !== 'keyed') throw new Error('an operation on keys is a command on keys');
  return { command, args, keys };
}
