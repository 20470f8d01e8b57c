// POST /v1/batch: many operations in one request, each on its own.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import type { Operation } from '../../store/operation.ts';
import type { Result } from '../../store/result.ts';
import type { Store } from '../../store/store.ts';
import type { BodyLimit, BodyReader } from '../body.ts';
import type { HttpLimits } from '../limits.ts';
import type { GatheredValues } from '../overload/gathered-values.ts';
import type { TurnQueue } from '../overload/turn-queue.ts';
import { unitsOf, type WorkInFlight } from '../overload/work-in-flight.ts';
import { queryText } from '../request-target.ts';
import { parseBatchEnvelope } from './batch-envelope.ts';
import { parseBatchItem, type BatchItem } from './batch-item.ts';
import { errorText, resultText } from './batch-result.ts';
import type { ItemLimits } from './json-item.ts';
import { jsonMediaType } from './json-text.ts';
import { parseQuery } from './query.ts';

export interface BatchRouteOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly bodies: BodyReader;
  readonly work: WorkInFlight;
  readonly turns: TurnQueue;
  readonly values: GatheredValues;
  readonly limits: HttpLimits;
}

function parseItem(json: unknown, limits: ItemLimits, nowMs: number): BatchItem | StoreError {
  try {
    return parseBatchItem(json, limits, nowMs);
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

/** Results come for the well-formed items only, in order. */
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

async function batchText(json: readonly unknown[], options: BatchRouteOptions): Promise<string> {
  const nowMs = options.clock.wallMs();
  const items = json.map((item) => parseItem(item, options.limits, nowMs));
  const operations: Operation[] = [];
  for (const item of items) if (!(item instanceof StoreError)) operations.push(item.operation);
  return await options.values.during(async (refuseValue) =>
    replyText(items, await options.store.submitAll(operations, { refuseValue })),
  );
}

export function batchRoutes(app: FastifyInstance, options: BatchRouteOptions): void {
  const { batchBytesMax, batchOperationsMax } = options.limits;
  const bodyLimit: BodyLimit = { bytesMax: batchBytesMax, code: 'REQUEST_TOO_LARGE' };
  app.post('/v1/batch', async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    parseQuery(queryText(request), []);
    options.turns.check();
    const body = await options.bodies.read(request, reply, bodyLimit);
    const text = await options.turns.run(() => {
      const json = parseBatchEnvelope(body, batchOperationsMax);
      const units = unitsOf(json.length, body.length);
      return options.work.during(units, () => batchText(json, options));
    });
    reply.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
    reply.send(Buffer.from(text));
  });
}
