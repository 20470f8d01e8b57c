// DELETE /v1/keys: deletes the keys with a prefix in steps. A step deletes one page of keys, all at one
// moment, and gives a cursor if there may be more. Keeps nothing between two steps: each is judged by
// itself. Owns neither the parameters nor the cursor.
import { pageBytesMax } from '../../../base/limits.ts';
import { StoreError } from '../../../base/errors.ts';
import type { ListItem, ListPage, ListQuery } from '../../../store/listing.ts';
import type { EntryName } from '../../../store/operation.ts';
import type { Durability } from '../../../store/result.ts';
import type { TransactionMoment } from '../../../store/transaction.ts';
import type { StoreOfCaller } from '../../access/authorized-store.ts';
import type { RequestScope } from '../../access/request-scopes.ts';
import { readStrayBody, type ReadBody } from '../../body/body-reader.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import type { RouteContext } from '../../route-context.ts';
import { jsonAnswer, type Answer } from '../../wire/answer.ts';
import type { HttpRequest } from '../../wire/request-head.ts';
import { queryText } from '../../wire/request-target.ts';
import { encodeCursor, parseDeleteQuery } from './list-query.ts';

/** The keys of one step. */
interface Step {
  readonly names: readonly EntryName[];
  /** The step after this one begins behind this key; undefined if there is none. */
  readonly next: string | undefined;
}

/**
 * Takes as many keys of the page as their values fit into a page. A transaction reads the values of all its
 * entries.
 */
function stepOf({ namespace }: ListQuery, { items, next }: ListPage): Step {
  let bytes = 0;
  let count = 0;
  for (const { size } of items) {
    bytes += size;
    if (count > 0 && bytes > pageBytesMax) break;
    count += 1;
  }
  const taken: readonly ListItem[] = items.slice(0, count);
  const names = taken.map(({ key }) => ({ namespace, key }));
  return { names, next: count < items.length ? taken.at(-1)?.key : next };
}

/** @throws StoreError if the caller may change no key of the namespace, or there is no such namespace */
function judge({ authorization }: StoreOfCaller, namespace: string): void {
  authorization.requireSomeWrite(namespace);
  authorization.requireNamespace(namespace);
}

async function nextStep(store: StoreOfCaller, query: ListQuery): Promise<Step> {
  const page = await store.listWritable(query);
  // A transaction judges the keys that it deletes, and there may be none.
  judge(store, query.namespace);
  return stepOf(query, page);
}

/** Entries that have gone since the page was read are neither deleted nor counted. */
function deletesAt({ entries }: TransactionMoment) {
  const changes = entries.map((entry) => (entry === undefined ? undefined : ('delete' as const)));
  return { changes, deleted: changes.filter((change) => change !== undefined).length };
}

function answerOf(
  query: ListQuery,
  { next }: Step,
  deleted: number,
  durability: Durability | undefined,
): Answer {
  const cursor = next === undefined ? '' : `,"cursor":"${encodeCursor(query, next)}"`;
  const isWrite = deleted > 0 && durability !== undefined;
  const headers = isWrite ? { 'holdfast-durability': durability } : undefined;
  return jsonAnswer(200, `{"deleted":${deleted}${cursor}}`, headers);
}

/** A range has no version, so a client that sends a condition would take it for held. */
function refuseConditions({ headers }: HttpRequest): void {
  for (const name of ['If-Match', 'If-None-Match']) {
    if (headers[name.toLowerCase()] === undefined) continue;
    const detail = `A range has no version: send no ${name}. Nothing was deleted.`;
    throw new StoreError('BAD_REQUEST', detail, { parameter: name });
  }
}

const emptyBody = Buffer.alloc(0);

export class RangeDeletes {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly answer = async (request: HttpRequest, readBody: ReadBody): Promise<Answer> => {
    const { scopes, large } = this.#context;
    const scope = scopes.of(request);
    const { store, namespace } = scope;
    judge(store, namespace);
    const query = parseDeleteQuery(namespace, queryText(request));
    refuseConditions(request);
    await readStrayBody(readBody);
    const units = unitsOf(query.limit, pageBytesMax);
    return await large.runBodiless(namespace, units, () => this.#carryOut(request, scope, query));
  };

  async #carryOut(request: HttpRequest, scope: RequestScope, query: ListQuery): Promise<Answer> {
    const { idempotency, identityOf } = this.#context;
    const { store } = scope;
    const identity = identityOf(request, emptyBody, scope);
    if (identity === undefined) return await this.#delete(store, query);
    let step: Step = { names: [], next: undefined };
    return await idempotency.run(store, identity, {
      names: async () => {
        step = await nextStep(store, query);
        return step.names;
      },
      plan: (moment) => {
        const { changes, deleted } = deletesAt(moment);
        return { changes, answer: (durability) => answerOf(query, step, deleted, durability) };
      },
    });
  }

  async #delete(store: StoreOfCaller, query: ListQuery): Promise<Answer> {
    const step = await nextStep(store, query);
    if (step.names.length === 0) return answerOf(query, step, 0, undefined);
    const result = await store.transact(step.names, (moment) => {
      const { changes, deleted } = deletesAt(moment);
      return { changes, output: deleted };
    });
    if (result.kind === 'refused') throw result.error;
    return answerOf(query, step, result.output, result.durability);
  }
}
