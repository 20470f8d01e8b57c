// POST /v1/transactions: checks and operations on any keys, all at one moment, all or none.
// Owns the order of the steps. Other files read JSON, compute the changes and write the answer.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EntryName } from '../../../store/operation.ts';
import type { Durability, EntryResult } from '../../../store/result.ts';
import type {
  TransactionPlan,
  PlannedChanges,
  TransactionMoment,
} from '../../../store/transaction.ts';
import { recordAnswer, sendAnswer, type Answer } from '../../wire/answer.ts';
import type { BodyLimit } from '../../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../../idempotency/idempotent-requests.ts';
import { identityOf } from '../../idempotency/request-identity.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import { queryText } from '../../wire/request-target.ts';
import type { RouteContext } from '../../route-context.ts';
import { countGiven, type ReserveReplyBytes } from './given-values.ts';
import { jsonMediaType } from '../json/json-text.ts';

import { parseQuery } from '../query.ts';
import {
  decisionOf,
  isReadOnly,
  namesOfTransaction,
  type Transaction,
  type TransactionOutcome,
} from './transaction-decision.ts';
import { parseTransaction } from './transaction-envelope.ts';
import { transactionText } from './transaction-result.ts';

interface Decided {
  readonly outcome: TransactionOutcome;
  /** Undefined if the transaction wrote nothing. */
  readonly durability: Durability | undefined;
}

/** Counts values before the store changes anything: see `countGiven`. */
function counting(
  decide: TransactionPlan<TransactionOutcome>,
  refuse: ReserveReplyBytes,
): TransactionPlan<TransactionOutcome> {
  return (moment) => {
    const decision = decide(moment);
    countGiven(decision.outcome.results, moment.entries, refuse);
    return decision;
  };
}

/** @param durability undefined if the transaction wrote nothing */
function answerOf(outcome: TransactionOutcome, durability: Durability | undefined): Answer {
  return recordAnswer((sink) => {
    if (durability !== undefined) sink.header('holdfast-durability', durability);
    sink.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
    sink.code(outcome.failedChecks.length === 0 ? 200 : 409);
    sink.send(Buffer.from(transactionText(outcome, durability)));
  });
}

function decidedOnce({
  outcome,
  changes,
}: PlannedChanges<TransactionOutcome>): ReturnType<AtomicWork['decide']> {
  const isWrite = changes.some((change) => change !== undefined);
  return {
    changes,
    answer: (durability) => answerOf(outcome, isWrite ? durability : undefined),
  };
}

class TransactionHandler {
  readonly #options: RouteContext;
  readonly #bodyLimit: BodyLimit;

  constructor(options: RouteContext) {
    this.#options = options;
    this.#bodyLimit = { bytesMax: options.limits.batchBytesMax, code: 'REQUEST_TOO_LARGE' };
  }

  readonly post = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { turns, bodies, work, limits, clock } = this.#options;
    parseQuery(queryText(request), []);
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const answer = await turns.run(() => {
      const transaction = parseTransaction(body, limits, clock.wallMs());
      const { checks, operations, otherwise } = transaction;
      const identity = isReadOnly(transaction) ? undefined : identityOf(request, body);
      const units = unitsOf(checks.length + operations.length + otherwise.length, body.length);
      return work.during(units, () => this.#answer(transaction, identity));
    });
    sendAnswer(reply, answer);
  };

  #answer(transaction: Transaction, identity: RequestIdentity | undefined): Promise<Answer> {
    const { values, limits, idempotency } = this.#options;
    const names = namesOfTransaction(transaction);
    return values.during(async (reserveReplyBytes) => {
      const decide = counting(decisionOf(transaction, names, limits), reserveReplyBytes);
      if (identity !== undefined) {
        const once: AtomicWork = { names, decide: (moment) => decidedOnce(decide(moment)) };
        return await idempotency.run(identity, once, { reserveReplyBytes });
      }
      const { outcome, durability } = isReadOnly(transaction)
        ? await this.#readAll(names, decide, reserveReplyBytes)
        : await this.#transact(names, decide, reserveReplyBytes);
      return answerOf(outcome, durability);
    });
  }

  async #transact(
    names: readonly EntryName[],
    decide: TransactionPlan<TransactionOutcome>,
    reserveReplyBytes: ReserveReplyBytes,
  ): Promise<Decided> {
    const result = await this.#options.store.transact(names, decide, { reserveReplyBytes });
    if (result.kind === 'refused') throw result.error;
    return result;
  }

  /** A transaction that only reads holds up no other request for its keys. */
  async #readAll(
    names: readonly EntryName[],
    decide: TransactionPlan<TransactionOutcome>,
    reserveReplyBytes: ReserveReplyBytes,
  ): Promise<Decided> {
    const { store, clock } = this.#options;
    const results = await store.getMany(names, { reserveReplyBytes });
    const entries = results.map((result): EntryResult | undefined => {
      if (result.kind === 'refused') throw result.error;
      return result.kind === 'entry' ? result : undefined;
    });
    const moment: TransactionMoment = { entries, versions: [], now: clock.wallMs() };
    return { outcome: decide(moment).outcome, durability: undefined };
  }
}

export function transactionRoutes(app: FastifyInstance, options: RouteContext): void {
  app.post('/v1/transactions', new TransactionHandler(options).post);
}
