// POST /v1/transactions: checks and operations on any keys, all at one moment, all or none.
// Owns the order of the steps. Other files read JSON, compute the changes and write the answer.
import type { MaybePromise } from '../../../base/maybe-promise.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TransactionName } from '../../../store/authorization.ts';
import type { EntryName } from '../../../store/operation.ts';
import type { Durability, EntryResult } from '../../../store/result.ts';
import type {
  TransactionPlan,
  PlannedChanges,
  TransactionMoment,
} from '../../../store/transaction.ts';
import type { StoreOfCaller } from '../../access/authorized-store.ts';
import type { ReadBody } from '../../body/body-reader.ts';
import { answering, jsonAnswer, type Answer } from '../../wire/answer.ts';
import type { AtomicWork, RequestIdentity } from '../../idempotency/idempotent-requests.ts';
import type { ReplyOptions } from '../../overload/large-requests.ts';
import { queryText } from '../../wire/request-target.ts';
import type { RouteContext } from '../../route-context.ts';
import { countGiven } from './given-values.ts';
import { parseQuery } from '../query.ts';
import {
  planOf,
  isReadOnly,
  namesOfTransaction,
  type Transaction,
  type TransactionOutcome,
} from './transaction-plan.ts';
import { parseTransaction } from './transaction-envelope.ts';
import { transactionText } from './transaction-result.ts';

interface CarriedOut {
  readonly output: TransactionOutcome;
  /** Undefined if the transaction wrote nothing. */
  readonly durability: Durability | undefined;
}

/** Counts values before the store changes anything: see `countGiven`. */
function counting(
  plan: TransactionPlan<TransactionOutcome>,
  options: ReplyOptions,
): TransactionPlan<TransactionOutcome> {
  return (moment) => {
    const planned = plan(moment);
    countGiven(planned.output.results, moment.entries, options);
    return planned;
  };
}

/** @param durability undefined if the transaction wrote nothing */
function answerOf(outcome: TransactionOutcome, durability: Durability | undefined): Answer {
  const status = outcome.failedChecks.length === 0 ? 200 : 409;
  const text = transactionText(outcome, durability);
  if (durability === undefined) return jsonAnswer(status, text);
  return jsonAnswer(status, text, { 'holdfast-durability': durability });
}

function plannedOnce({
  output,
  changes,
}: PlannedChanges<TransactionOutcome>): ReturnType<AtomicWork['plan']> {
  const isWrite = changes.some((change) => change !== undefined);
  return {
    changes,
    answer: (durability) => answerOf(output, isWrite ? durability : undefined),
  };
}

interface Asked {
  readonly transaction: Transaction;
  readonly identity: RequestIdentity | undefined;
  readonly store: StoreOfCaller;
}

async function transact(
  store: StoreOfCaller,
  names: readonly TransactionName[],
  plan: TransactionPlan<TransactionOutcome>,
  options: ReplyOptions,
): Promise<CarriedOut> {
  const result = await store.transact(names, plan, options);
  if (result.kind === 'refused') throw result.error;
  return result;
}

class TransactionHandler {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly post = (request: FastifyRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const { large, limits, clock, scopes, identityOf } = this.#context;
    const scope = scopes.of(request);
    const { store, namespace } = scope;
    store.authorization.requireSomeRead(namespace);
    parseQuery(queryText(request), []);
    return large.run(namespace, readBody, (body) => {
      const transaction = parseTransaction(body, { ...limits, namespace }, clock.wallMs());
      const { checks, operations, otherwise } = transaction;
      const writes = !isReadOnly(transaction);
      if (writes) request.raw.charge?.countWrite(body.length);
      const identity = writes ? identityOf(request, body, scope) : undefined;
      const parts = checks.length + operations.length + otherwise.length;
      return { parts, work: (options) => this.#answer({ transaction, identity, store }, options) };
    });
  };

  async #answer({ transaction, identity, store }: Asked, options: ReplyOptions): Promise<Answer> {
    const { limits, idempotency } = this.#context;
    const names = namesOfTransaction(transaction);
    const plan = counting(planOf(transaction, names, limits), options);
    if (identity !== undefined) {
      const once: AtomicWork = { names, plan: (moment) => plannedOnce(plan(moment)) };
      return await idempotency.run(store, identity, once, options);
    }
    const { output, durability } = isReadOnly(transaction)
      ? await this.#readAll(store, names, plan, options)
      : await transact(store, names, plan, options);
    return answerOf(output, durability);
  }

  /** A transaction that only reads holds up no other request for its keys. */
  async #readAll(
    store: StoreOfCaller,
    names: readonly EntryName[],
    plan: TransactionPlan<TransactionOutcome>,
    options: ReplyOptions,
  ): Promise<CarriedOut> {
    const { clock } = this.#context;
    const results = await store.getMany(names, options);
    const entries = results.map((result): EntryResult | undefined => {
      if (result.kind === 'refused') throw result.error;
      return result.kind === 'entry' ? result : undefined;
    });
    const moment: TransactionMoment = { entries, versions: [], now: clock.wallMs() };
    return { output: plan(moment).output, durability: undefined };
  }
}

export function transactionRoutes(app: FastifyInstance, context: RouteContext): void {
  app.post('/v1/transactions', answering(new TransactionHandler(context).post));
}
