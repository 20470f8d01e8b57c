// POST /v1/transactions: checks and operations on any keys, all at one moment, all or none.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { StoreError } from '../../base/errors.ts';
import type { EntryName } from '../../store/operation.ts';
import type { Durability, EntryResult } from '../../store/result.ts';
import type { Decide, TransactionMoment } from '../../store/transaction.ts';
import type { BodyLimit } from '../body.ts';
import { unitsOf } from '../overload/work-in-flight.ts';
import { queryText } from '../request-target.ts';
import type { BatchRouteOptions } from './batch-routes.ts';
import { jsonMediaType } from './json-text.ts';
import type { MomentResult } from './moment-run.ts';
import { parseQuery } from './query.ts';
import {
  decisionOf,
  isReadOnly,
  namesOfTransaction,
  type Transaction,
  type TransactionOutcome,
} from './transaction-decision.ts';
import { parseTransaction } from './transaction-envelope.ts';
import { transactionText } from './transaction-result.ts';

export type TransactionRouteOptions = BatchRouteOptions;

type Refuse = (bytes: number) => StoreError | undefined;

interface Decided {
  readonly outcome: TransactionOutcome;
  /** Undefined where nothing was written. */
  readonly durability: Durability | undefined;
}

interface Answer {
  readonly status: 200 | 409;
  readonly durability: Durability | undefined;
  readonly body: Buffer;
}

/** What was read has been counted; a value that is given once more, or is new, has not. */
function countGiven(
  results: readonly MomentResult[],
  read: readonly (EntryResult | undefined)[],
  refuse: Refuse,
): void {
  const counted = new Set(read.map((entry) => entry?.value));
  for (const result of results) {
    if (result.kind !== 'entry' || result.value === undefined) continue;
    if (counted.delete(result.value)) continue;
    const error = refuse(result.size);
    if (error !== undefined) throw error;
  }
}

/** Before anything is changed: what can not be given back must not be carried out. */
function counting(decide: Decide<TransactionOutcome>, refuse: Refuse): Decide<TransactionOutcome> {
  return (moment) => {
    const decision = decide(moment);
    countGiven(decision.outcome.results, moment.entries, refuse);
    return decision;
  };
}

class TransactionHandler {
  readonly #options: TransactionRouteOptions;
  readonly #bodyLimit: BodyLimit;

  constructor(options: TransactionRouteOptions) {
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
      const units = unitsOf(checks.length + operations.length + otherwise.length, body.length);
      return work.during(units, () => this.#answer(transaction));
    });
    if (answer.durability !== undefined) reply.header('holdfast-durability', answer.durability);
    reply.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
    reply.code(answer.status).send(answer.body);
  };

  #answer(transaction: Transaction): Promise<Answer> {
    const { values, limits, store } = this.#options;
    const names = namesOfTransaction(transaction);
    return values.during(async (refuse) => {
      const decide = counting(decisionOf(transaction, names, limits), refuse);
      const { outcome, durability } = isReadOnly(transaction)
        ? await this.#look(names, decide, refuse)
        : await this.#transact(names, decide, refuse);
      return {
        status: outcome.failedChecks.length === 0 ? 200 : 409,
        durability,
        body: Buffer.from(transactionText(outcome, durability ?? store.durability)),
      };
    });
  }

  async #transact(
    names: readonly EntryName[],
    decide: Decide<TransactionOutcome>,
    refuseValue: Refuse,
  ): Promise<Decided> {
    const result = await this.#options.store.transact(names, decide, { refuseValue });
    if (result.kind === 'refused') throw result.error;
    return result;
  }

  /** What only reads keeps nobody away from its keys. */
  async #look(
    names: readonly EntryName[],
    decide: Decide<TransactionOutcome>,
    refuseValue: Refuse,
  ): Promise<Decided> {
    const { store, clock } = this.#options;
    const results = await store.getTogether(names, { refuseValue });
    const now = clock.wallMs();
    const entries = results.map((result): EntryResult | undefined => {
      if (result.kind === 'refused') throw result.error;
      // Answers come one by one; all deadlines are judged by one time.
      return result.kind === 'entry' && (result.expiresAt ?? Infinity) > now ? result : undefined;
    });
    const moment: TransactionMoment = { entries, versions: [], now };
    return { outcome: decide(moment).outcome, durability: undefined };
  }
}

export function transactionRoutes(app: FastifyInstance, options: TransactionRouteOptions): void {
  app.post('/v1/transactions', new TransactionHandler(options).post);
}
