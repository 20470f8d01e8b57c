// The protocol of unstorage's `http` driver under /unstorage/{namespace}: items by key, and all
// keys below a base. Knows a client only by its requests.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bufferOf } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import { deadlineOf } from '../../store/deadline.ts';
import type { DeleteOperation, PutOperation } from '../../store/operation.ts';
import type { Result } from '../../store/result.ts';
import type { EntryPut } from '../../store/transaction.ts';
import type { StoreOfCaller } from '../access/authorized-store.ts';
import { answering, contentAnswer, jsonAnswer, type Answer } from '../wire/answer.ts';
import { readStrayBody, type BodyLimit, type ReadBody } from '../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
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

async function read(
  store: StoreOfCaller,
  op: 'get' | 'head',
  { namespace, key }: Item,
): Promise<Result> {
  return await store.submit({ op, namespace, key });
}

class UnstorageHandlers {
  readonly #context: RouteContext;
  readonly #below: ItemsBelow;
  readonly #valueLimit: BodyLimit;

  constructor(context: RouteContext) {
    this.#context = context;
    this.#below = new ItemsBelow(context);
    this.#valueLimit = { bytesMax: context.limits.valueBytesMax, code: 'VALUE_TOO_LARGE' };
  }

  readonly get = async (request: FastifyRequest): Promise<Answer> => {
    const item = this.#itemOf(request);
    const store = this.#storeFor(request, item);
    store.authorization.requireSomeRead(item.namespace);
    // The client takes a missing base for an error, and an empty list for what it is.
    if (item.isBase && store.authorization.isAbsent(item.namespace)) return jsonAnswer(200, '[]');
    const answer = item.isBase
      ? jsonAnswer(200, await this.#below.list(store, item))
      : this.#answerOf(request, await read(store, 'get', item));
    this.#context.replies.check(answer.body.length);
    return answer;
  };

  readonly head = async (request: FastifyRequest): Promise<Answer> => {
    const item = this.#keyOf(request);
    const store = this.#storeFor(request, item);
    return this.#answerOf(request, await read(store, 'head', item));
  };

  readonly put = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    const { scope, namespace, key } = this.#writeOf(request, this.#keyOf(request));
    const ttlMs = ttlMsOfHeader(request.headers['x-ttl']);
    const value = await readBody(this.#valueLimit);
    const identity = this.#context.identityOf(request, value, scope);
    const units = unitsOf(1, value.length);
    if (identity === undefined) {
      return await this.#write(scope.store, { op: 'put', namespace, key, value, ttlMs }, units);
    }
    const put = (now: number): EntryPut => ({ value, expiresAt: deadlineOf(now, ttlMs) });
    return await this.#once(scope.store, identity, { names: [{ namespace, key }] }, put, units);
  };

  /** In this protocol, deleting a missing key succeeds. */
  readonly delete = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    const item = this.#itemOf(request);
    const { scope, namespace, key } = this.#writeOf(request, item);
    const { store } = scope;
    const { isBase } = item;
    // Nothing is there to delete.
    if (store.authorization.isAbsent(namespace)) return done;
    await readStrayBody(readBody);
    const identity = this.#context.identityOf(request, emptyBody, scope);
    const units = unitsOf(1, 0);
    if (identity !== undefined) {
      const names = isBase ? () => this.#below.names(store, item) : [{ namespace, key }];
      return await this.#once(store, identity, { names }, () => 'delete', units);
    }
    if (!isBase) return await this.#write(store, { op: 'delete', namespace, key }, units);
    await this.#below.delete(store, item);
    return done;
  };

  async #write(
    store: StoreOfCaller,
    operation: PutOperation | DeleteOperation,
    units: number,
  ): Promise<Answer> {
    const { work } = this.#context;
    const result = await work.during(operation.namespace, units, () => store.submit(operation));
    if (result.kind === 'refused') throw result.error;
    return done;
  }

  async #once(
    store: StoreOfCaller,
    identity: RequestIdentity,
    { names }: Pick<AtomicWork, 'names'>,
    changeAt: (now: number) => EntryPut | 'delete',
    units: number,
  ): Promise<Answer> {
    const { idempotency, work } = this.#context;
    const plan: AtomicWork['plan'] = ({ entries, now }) => ({
      changes: entries.map(() => changeAt(now)),
      answer: () => done,
    });
    const once = { names, plan };
    return await work.during(identity.namespace, units, () =>
      idempotency.run(store, identity, once),
    );
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

  #storeFor(request: FastifyRequest, { namespace }: Item): StoreOfCaller {
    return this.#context.scopes.in(request, namespace).store;
  }

  /** @throws StoreError if the caller may not change the item, or anything below it */
  #writeOf(request: FastifyRequest, { namespace, key, isBase }: Item) {
    const scope = this.#context.scopes.in(request, namespace);
    if (isBase) scope.store.authorization.requireSomeWrite(namespace);
    else scope.store.authorization.requireWrite({ namespace, key });
    return { scope, namespace, key };
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
