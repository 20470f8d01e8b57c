// The protocol of unstorage's `http` driver under /unstorage/{namespace}: items by key, and all
// keys below a base. Knows a client only by its requests.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bufferOf } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import { deadlineOf } from '../../store/deadline.ts';
import type { DeleteOperation, PutOperation } from '../../store/operation.ts';
import type { Result } from '../../store/result.ts';
import type { EntryPut } from '../../store/transaction.ts';
import { answering, contentAnswer, jsonAnswer, type Answer } from '../wire/answer.ts';
import type { BodyLimit } from '../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
import { identityOf } from '../idempotency/request-identity.ts';
import { unitsOf } from '../overload/concurrency-limiter.ts';
import { keyNotFound, problemOf } from '../wire/problem.ts';
import { nameText } from '../wire/request-target.ts';
import { itemMount, itemOf, type Item } from './item.ts';
import { ItemsBelow } from './items-below.ts';
import { ttlMsOfHeader } from './time-to-live.ts';
import type { RouteContext } from '../route-context.ts';

/** The driver does not read a body of any other type as text. */
function labelOf({ headers }: FastifyRequest): string {
  const isRaw = headers.accept?.includes('application/octet-stream') ?? false;
  return isRaw ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}

const done = contentAnswer(200, 'text/plain; charset=utf-8', 'OK');

const emptyBody = Buffer.alloc(0);

class UnstorageHandlers {
  readonly #context: RouteContext;
  readonly #below: ItemsBelow;
  readonly #valueLimit: BodyLimit;

  constructor(context: RouteContext) {
    this.#context = context;
    this.#below = new ItemsBelow(context);
    this.#valueLimit = { bytesMax: context.limits.valueBytesMax, code: 'VALUE_TOO_LARGE' };
  }

  readonly get = async (request: FastifyRequest, { server }: FastifyReply): Promise<Answer> => {
    const item = this.#itemOf(request);
    const answer = item.isBase
      ? jsonAnswer(200, await this.#below.list(item))
      : this.#answerOf(request, await this.#read('get', item));
    server.replies.check(answer.body.length);
    return answer;
  };

  readonly head = async (request: FastifyRequest): Promise<Answer> => {
    const item = this.#keyOf(request);
    return this.#answerOf(request, await this.#read('head', item));
  };

  readonly put = async (request: FastifyRequest, reply: FastifyReply): Promise<Answer> => {
    const { namespace, key } = this.#keyOf(request);
    const ttlMs = ttlMsOfHeader(request.headers['x-ttl']);
    const value = await this.#context.bodies.read(request, reply, this.#valueLimit);
    const identity = identityOf(request, value);
    const units = unitsOf(1, value.length);
    if (identity === undefined) {
      return await this.#write({ op: 'put', namespace, key, value, ttlMs }, units);
    }
    const put = (now: number): EntryPut => ({ value, expiresAt: deadlineOf(now, ttlMs) });
    return await this.#once(identity, [{ namespace, key }], put, units);
  };

  /** In this protocol, deleting a missing key succeeds. */
  readonly delete = async (request: FastifyRequest): Promise<Answer> => {
    const item = this.#itemOf(request);
    const { namespace, key, isBase } = item;
    const identity = identityOf(request, emptyBody);
    const units = unitsOf(1, 0);
    if (identity !== undefined) {
      const names = isBase ? () => this.#below.names(item) : [{ namespace, key }];
      return await this.#once(identity, names, () => 'delete', units);
    }
    if (!isBase) return await this.#write({ op: 'delete', namespace, key }, units);
    await this.#below.delete(item);
    return done;
  };

  async #write(operation: PutOperation | DeleteOperation, units: number): Promise<Answer> {
    const { store, work } = this.#context;
    const result = await work.during(units, () => store.submit(operation));
    if (result.kind === 'refused') throw result.error;
    return done;
  }

  #once(
    identity: RequestIdentity,
    names: AtomicWork['names'],
    changeAt: (now: number) => EntryPut | 'delete',
    units: number,
  ): Promise<Answer> {
    const { idempotency, work } = this.#context;
    const plan: AtomicWork['plan'] = ({ entries, now }) => ({
      changes: entries.map(() => changeAt(now)),
      answer: () => done,
    });
    return work.during(units, () => idempotency.run(identity, { names, plan }));
  }

  #itemOf(request: FastifyRequest): Item {
    return itemOf(nameText(request, itemMount), this.#context.limits.keyBytesMax);
  }

  #keyOf(request: FastifyRequest): Item {
    const item = this.#itemOf(request);
    if (!item.isBase) return item;
    const detail = `${request.method} takes a key and no base: its path must not end in : or /.`;
    throw new StoreError('KEY_INVALID', detail, { parameter: 'key' });
  }

  async #read(op: 'get' | 'head', { namespace, key }: Item): Promise<Result> {
    return await this.#context.store.submit({ op, namespace, key });
  }

  #answerOf(request: FastifyRequest, result: Result): Answer {
    if (result.kind === 'refused') return problemOf(result.error);
    if (result.kind !== 'entry') return keyNotFound;
    const { expiresAt, size, value = emptyBody } = result;
    const headers: Record<string, string> = { vary: 'Accept', 'content-length': String(size) };
    if (expiresAt !== undefined) {
      const seconds = Math.max(1, Math.ceil((expiresAt - this.#context.clock.wallMs()) / 1000));
      headers['x-ttl'] = String(seconds);
    }
    return contentAnswer(200, labelOf(request), bufferOf(value), headers);
  }
}

export function unstorageRoutes(app: FastifyInstance, context: RouteContext): void {
  const { get, head, put, delete: remove } = new UnstorageHandlers(context);
  app.get(itemMount.target, { exposeHeadRoute: false }, answering(get));
  app.head(itemMount.target, answering(head));
  app.put(itemMount.target, answering(put));
  app.delete(itemMount.target, answering(remove));
}
