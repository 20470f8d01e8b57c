// Says which commands may be part of a transaction. Runs none.
import type { CommandPlan, KeyspacePlan } from './command-planner.ts';
import type { AtomicPlan } from './command-runner.ts';
import { RequestFault } from './request-fault.ts';

/** The error text of Redis, with the reason appended. */
function discarded(index: number, message: string): RequestFault {
  const why = `command ${index + 1}: ${message}`;
  return new RequestFault(`EXECABORT Transaction discarded because of previous errors. (${why})`);
}

/** @throws RequestFault if one of the commands cannot be part of a transaction */
export function transactionOf(plans: readonly CommandPlan[]): AtomicPlan[] {
  return plans.map((plan, index) => {
    if (plan.kind === 'keyspace') throw discarded(index, `ERR ${aboutAllKeys(plan)}`);
    const isWrong = plan.kind === 'answered' && !plan.isRun && plan.reply.kind === 'error';
    if (isWrong) throw discarded(index, plan.reply.message);
    return plan;
  });
}

function aboutAllKeys({ command }: KeyspacePlan): string {
  return `'${command.name}' is about all keys, and cannot be part of a transaction`;
}

/** @throws RequestFault if the answer to one of the commands cannot be kept */
export function keepable(plans: readonly CommandPlan[]): AtomicPlan[] {
  return plans.map((plan) => {
    if (plan.kind !== 'keyspace') return plan;
    const why = 'and an Idempotency-Key makes several commands one';
    throw new RequestFault(`ERR ${aboutAllKeys(plan)}, ${why}; nothing was carried out`);
  });
}
