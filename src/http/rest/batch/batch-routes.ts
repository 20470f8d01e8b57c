// POST /v1/batch: many operations in one request, each independent of the others. If all of them
// are reads, they read one moment. Owns the order of the steps; other files read and write JSON.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreError } from '../../../base/errors.ts';
import { isWrite, type Operation } from '../../../store/operation.ts';
import type { Result } from '../../../store/result.ts';
import { recordAnswer, sendAnswer, type Answer, type AnswerSink } from '../../wire/answer.ts';
import type { BodyLimit } from '../../body/body-reader.ts';
import { identityOf } from '../../idempotency/request-identity.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import { queryText } from '../../wire/request-target.ts';
import { parseBatchEnvelope } from './batch-envelope.ts';
import { parseBatchItem, type BatchItem } from './batch-item.ts';
import { errorText, resultText } from './batch-result.ts';
import type { ItemLimits } from '../json/json-item.ts';
import { jsonMediaType } from '../json/json-text.ts';
import { operationsOnce } from '../operations-once.ts';
import { parseQuery } from '../query.ts';
import type { RouteContext } from '../../route-context.ts';

function parseItem(json: unknown, limits: ItemLimits, nowMs: number): BatchItem | StoreError {
  try {
    return parseBatchItem(json, limits, nowMs);
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

function sendResults(
  sink: AnswerSink,
  items: readonly (BatchItem | StoreError)[],
  results: readonly Result[],
): void {
  sink.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
  sink.send(Buffer.from(replyText(items, results)));
}

class BatchHandler {
  readonly #options: RouteContext;
  readonly #bodyLimit: BodyLimit;

  constructor(options: RouteContext) {
    this.#options = options;
    this.#bodyLimit = { bytesMax: options.limits.batchBytesMax, code: 'REQUEST_TOO_LARGE' };
  }

  readonly post = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { turns, bodies, work, limits } = this.#options;
    parseQuery(queryText(request), []);
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const answer = await turns.run(() => {
      const json = parseBatchEnvelope(body, limits.batchOperationsMax);
      const units = unitsOf(json.length, body.length);
      return work.during(units, () => this.#answer(json, request, body));
    });
    sendAnswer(reply, answer);
  };

  /** Runs each operation on its own; with an Idempotency-Key, all of them as one transaction. */
  #answer(json: readonly unknown[], request: FastifyRequest, body: Buffer): Promise<Answer> {
    const { clock, limits, values, store, idempotency } = this.#options;
    const nowMs = clock.wallMs();
    const items = json.map((item) => parseItem(item, limits, nowMs));
    const operations: Operation[] = [];
    for (const item of items) if (!(item instanceof StoreError)) operations.push(item.operation);
    const identity = operations.some(isWrite) ? identityOf(request, body) : undefined;
    return values.during(async (reserveReplyBytes) => {
      if (identity !== undefined) {
        const once = operationsOnce(operations, limits, reserveReplyBytes, (sink, results) =>
          sendResults(sink, items, results),
        );
        return await idempotency.run(identity, once, { reserveReplyBytes });
      }
      const isReadOnly = operations.every(({ op }) => op === 'get');
      const results = isReadOnly
        ? await store.getMany(operations, { reserveReplyBytes })
        : await store.submitAll(operations, { reserveReplyBytes });
      return recordAnswer((sink) => sendResults(sink, items, results));
    });
  }
}

export function batchRoutes(app: FastifyInstance, options: RouteContext): void {
  app.post('/v1/batch', new BatchHandler(options).post);
}
