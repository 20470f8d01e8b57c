// POST /v1/batch: many operations in one request, each independent of the others. If all of them
// are reads, they read one moment. Owns the order of the steps; other files read and write JSON.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { StoreError } from '../../../base/errors.ts';
import type { MaybePromise } from '../../../base/maybe-promise.ts';
import { isWrite, type Operation } from '../../../store/operation.ts';
import type { Result } from '../../../store/result.ts';
import type { RequestScope } from '../../access/request-scopes.ts';
import type { ReadBody } from '../../body/body-reader.ts';
import { answering, jsonAnswer, type Answer } from '../../wire/answer.ts';
import type { ReplyOptions } from '../../overload/large-requests.ts';
import { queryText } from '../../wire/request-target.ts';
import { parseBatchEnvelope } from './batch-envelope.ts';
import { parseBatchItem, type BatchItem } from './batch-item.ts';
import { errorText, resultText } from './batch-result.ts';
import type { ItemRules } from '../json/json-item.ts';
import { operationsOnce } from '../operations-once.ts';
import { parseQuery } from '../query.ts';
import type { RouteContext } from '../../route-context.ts';

function parseItem(json: unknown, rules: ItemRules, nowMs: number): BatchItem | StoreError {
  try {
    return parseBatchItem(json, rules, nowMs);
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

/** @param results those of the well-formed items only, in order */
function replyText(items: readonly (BatchItem | StoreError)[], results: readonly Result[]): string {
  let next = 0;
  const texts = items.map((item) => {
    if (item instanceof StoreError) return errorText(item);
    const result = results[next++];
    if (result === undefined) throw new Error('The store answered fewer operations than asked.');
    return resultText(result, item.readConditions);
  });
  return `{"results":[${texts.join(',')}]}`;
}

interface Asked {
  readonly request: FastifyRequest;
  readonly body: Buffer;
  readonly scope: RequestScope;
}

class BatchHandler {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly post = (request: FastifyRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const { large, limits, scopes } = this.#context;
    const scope = scopes.of(request);
    scope.store.authorization.requireSomeRead(scope.namespace);
    parseQuery(queryText(request), []);
    return large.run(scope.namespace, readBody, (body) => {
      const json = parseBatchEnvelope(body, limits.batchOperationsMax);
      const work = (options: ReplyOptions) => this.#answer(json, { request, body, scope }, options);
      return { parts: json.length, work };
    });
  };

  /** Runs each operation on its own; with an Idempotency-Key, all of them as one transaction. */
  async #answer(
    json: readonly unknown[],
    { request, body, scope }: Asked,
    options: ReplyOptions,
  ): Promise<Answer> {
    const { clock, limits, idempotency, identityOf } = this.#context;
    const { store, namespace } = scope;
    const rules = { ...limits, namespace };
    const nowMs = clock.wallMs();
    const items = json.map((item) => parseItem(item, rules, nowMs));
    const operations: Operation[] = [];
    for (const item of items) if (!(item instanceof StoreError)) operations.push(item.operation);
    const writes = operations.some(isWrite);
    if (writes) request.raw.charge?.countWrite(body.length);
    const identity = writes ? identityOf(request, body, scope) : undefined;
    const answerOf = (results: readonly Result[]) => jsonAnswer(200, replyText(items, results));
    if (identity !== undefined) {
      const once = operationsOnce(operations, limits, answerOf, options);
      return await idempotency.run(store, identity, once, options);
    }
    const isReadOnly = operations.every(({ op }) => op === 'get');
    return answerOf(
      isReadOnly
        ? await store.getMany(operations, options)
        : await store.submitAll(operations, options),
    );
  }
}

export function batchRoutes(app: FastifyInstance, context: RouteContext): void {
  app.post('/v1/batch', answering(new BatchHandler(context).post));
}
