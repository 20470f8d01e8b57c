// The protocol of the `http` driver of unstorage under /unstorage/{namespace}: items by key, and all
// keys below a base. Knows no client but by what it sends.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { textOfByteString } from '../../base/byte-string.ts';
import type { Clock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import type { EntryName } from '../../store/operation.ts';
import type { RefusedResult, Result } from '../../store/result.ts';
import type { Store } from '../../store/store.ts';
import type { EntryPut } from '../../store/transaction.ts';
import { recordAnswer, sendAnswer, type Answer, type AnswerSink } from '../answer.ts';
import type { BodyLimit, BodyReader } from '../body.ts';
import type {
  AtomicWork,
  IdempotentRequests,
  RequestIdentity,
} from '../idempotency/idempotent-requests.ts';
import { identityOf } from '../idempotency/request-identity.ts';
import type { HttpLimits } from '../limits.ts';
import { unitsOf, type WorkInFlight } from '../overload/work-in-flight.ts';
import { keyNotFound, sendError, sendProblem } from '../problem.ts';
import { itemRoute, nameText } from '../request-target.ts';
import { walkKeys } from '../walk-keys.ts';
import { itemOf, pathOfKey, type Item } from './item.ts';

export interface UnstorageRouteOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly bodies: BodyReader;
  readonly work: WorkInFlight;
  readonly limits: Pick<HttpLimits, 'keyBytesMax' | 'valueBytesMax'>;
  readonly idempotency: IdempotentRequests;
}

/** Keys of one listing, in sum: the protocol knows no pages. */
const listBytesMax = 16 * 1024 * 1024;

/** Keys that one request deletes as one transaction. */
const clearOnceMax = 10_000;

/** Seconds, with a fraction where there is one. */
const secondsPattern = /^[0-9]{1,12}(?:\.[0-9]{1,3})?$/;

function ttlMsOf({ headers }: FastifyRequest): number | undefined {
  const text = headers['x-ttl'];
  if (text === undefined) return undefined;
  const ms = typeof text === 'string' && secondsPattern.test(text) ? Number(text) * 1000 : 0;
  if (ms >= 1) return Math.round(ms);
  throw new StoreError('BAD_REQUEST', 'x-ttl must be a positive number of seconds.', {
    parameter: 'x-ttl',
  });
}

/** The driver takes a body of any other type for no text. */
function labelOf({ headers }: FastifyRequest): string {
  const isRaw = headers.accept?.includes('application/octet-stream') ?? false;
  return isRaw ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}

function sendDone(sink: AnswerSink): void {
  sink.header('content-type', 'text/plain; charset=utf-8');
  sink.header('x-content-type-options', 'nosniff').send(Buffer.from('OK'));
}

const noBody = Buffer.alloc(0);

class UnstorageHandlers {
  readonly #options: UnstorageRouteOptions;
  readonly #valueLimit: BodyLimit;

  constructor(options: UnstorageRouteOptions) {
    this.#options = options;
    this.#valueLimit = { bytesMax: options.limits.valueBytesMax, code: 'VALUE_TOO_LARGE' };
  }

  readonly get = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const item = this.#itemOf(request);
    if (item.isBase) await this.#list(item, reply);
    else this.#sendEntry(request, reply, await this.#read('get', item));
  };

  readonly head = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const item = this.#keyOf(request);
    this.#sendEntry(request, reply, await this.#read('head', item));
  };

  readonly put = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { namespace, key } = this.#keyOf(request);
    const ttlMs = ttlMsOf(request);
    const { bodies, store, work } = this.#options;
    const value = await bodies.read(request, reply, this.#valueLimit);
    const identity = identityOf(request, value);
    const units = unitsOf(1, value.length);
    if (identity !== undefined) {
      const put = (now: number): EntryPut => ({
        value,
        expiresAt: ttlMs === undefined ? undefined : now + ttlMs,
      });
      sendAnswer(reply, await this.#once(identity, [{ namespace, key }], put, units));
      return;
    }
    const operation = { op: 'put', namespace, key, value, ttlMs } as const;
    const result = await work.during(units, () => store.submit(operation));
    if (result.kind === 'refused') sendError(reply, result.error);
    else sendDone(reply);
  };

  /** What is not there is gone already, for this protocol. */
  readonly delete = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const item = this.#itemOf(request);
    const identity = identityOf(request, noBody);
    if (identity !== undefined) {
      sendAnswer(reply, await this.#deleteOnce(identity, item));
      return;
    }
    const refused =
      item.isBase && item.key === '' ? await this.#flush(item) : await this.#deleteAll(item);
    if (refused === undefined) sendDone(reply);
    else sendError(reply, refused.error);
  };

  async #flush({ namespace }: Item): Promise<RefusedResult | undefined> {
    const decide = () => ({ outcome: undefined, changes: [], flush: [namespace] });
    const result = await this.#options.store.transact([], decide, { alone: true });
    return result.kind === 'refused' ? result : undefined;
  }

  async #deleteAll(item: Item): Promise<RefusedResult | undefined> {
    const { namespace, key, isBase } = item;
    const { store, work } = this.#options;
    const keys = isBase ? this.#keysBelow(item) : [[key]];
    for await (const some of keys) {
      const deletes = some.map((one) => ({ op: 'delete', namespace, key: one }) as const);
      const results = await work.during(unitsOf(deletes.length, 0), () => store.submitAll(deletes));
      for (const result of results) if (result.kind === 'refused') return result;
    }
    return undefined;
  }

  /** Below a base: all that is there as it begins. */
  async #deleteOnce(identity: RequestIdentity, item: Item): Promise<Answer> {
    const { namespace, key, isBase } = item;
    if (isBase && key === '') {
      const flush = [namespace];
      const answer = (): Answer => recordAnswer(sendDone);
      const work: AtomicWork = { names: [], decide: () => ({ changes: [], flush, answer }) };
      return await this.#options.idempotency.run(identity, work, { alone: true });
    }
    const names: EntryName[] = [];
    for await (const keys of isBase ? this.#keysBelow(item) : [[key]]) {
      for (const each of keys) names.push({ namespace, key: each });
      if (names.length > clearOnceMax) {
        const detail = `With an Idempotency-Key, at most ${clearOnceMax} keys are deleted at once; nothing was.`;
        throw new StoreError('REQUEST_TOO_LARGE', detail, { limit: clearOnceMax });
      }
    }
    return await this.#once(identity, names, () => 'delete', unitsOf(names.length, 0));
  }

  #once(
    identity: RequestIdentity,
    names: readonly EntryName[],
    changeAt: (now: number) => EntryPut | 'delete',
    units: number,
  ): Promise<Answer> {
    const { idempotency, work } = this.#options;
    const decide: AtomicWork['decide'] = ({ now }) => ({
      changes: names.map(() => changeAt(now)),
      answer: () => recordAnswer(sendDone),
    });
    return work.during(units, () => idempotency.run(identity, { names, decide }));
  }

  #itemOf(request: FastifyRequest): Item {
    return itemOf(nameText(request), this.#options.limits.keyBytesMax);
  }

  #keyOf(request: FastifyRequest): Item {
    const item = this.#itemOf(request);
    if (!item.isBase) return item;
    const detail = `${request.method} takes a key and no base: its path must not end in : or /.`;
    throw new StoreError('KEY_INVALID', detail, { parameter: 'key' });
  }

  async #read(op: 'get' | 'head', { namespace, key }: Item): Promise<Result> {
    return await this.#options.store.submit({ op, namespace, key });
  }

  #sendEntry(request: FastifyRequest, reply: FastifyReply, result: Result): void {
    if (result.kind === 'refused') {
      sendError(reply, result.error);
      return;
    }
    if (result.kind !== 'entry') {
      sendProblem(reply, keyNotFound);
      return;
    }
    const { expiresAt, size, value } = result;
    if (value !== undefined) reply.server.replies.check(size);
    if (expiresAt !== undefined) {
      const seconds = Math.max(1, Math.ceil((expiresAt - this.#options.clock.wallMs()) / 1000));
      reply.header('x-ttl', String(seconds)).header('cache-control', `max-age=${seconds}`);
    }
    reply.header('content-type', labelOf(request)).header('vary', 'Accept');
    reply.header('x-content-type-options', 'nosniff').header('content-length', String(size));
    reply.send(value);
  }

  async #list(item: Item, reply: FastifyReply): Promise<void> {
    const paths: string[] = [];
    let bytes = 0;
    for await (const keys of this.#keysBelow(item)) {
      for (const key of keys) {
        bytes += key.length;
        paths.push(JSON.stringify(pathOfKey(textOfByteString(key))));
      }
      if (bytes > listBytesMax) {
        const detail = `The keys of one listing may have ${listBytesMax} bytes in sum; ask for a base further down.`;
        throw new StoreError('REPLY_TOO_LARGE', detail, { limit: listBytesMax });
      }
    }
    const body = Buffer.from(`[${paths.join(',')}]`);
    reply.server.replies.check(body.length);
    reply.header('content-type', 'application/json').header('x-content-type-options', 'nosniff');
    reply.send(body);
  }

  #keysBelow({ namespace, key }: Item): AsyncGenerator<readonly string[]> {
    const { store, work } = this.#options;
    return walkKeys(namespace, key, (query) =>
      work.during(unitsOf(query.limit, 0), () => store.list(query)),
    );
  }
}

export function unstorageRoutes(app: FastifyInstance, options: UnstorageRouteOptions): void {
  const handlers = new UnstorageHandlers(options);
  app.get(itemRoute, { exposeHeadRoute: false }, handlers.get);
  app.head(itemRoute, handlers.head);
  app.put(itemRoute, handlers.put);
  app.delete(itemRoute, handlers.delete);
}
