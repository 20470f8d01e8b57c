// The protocol of unstorage's `http` driver under /unstorage/{namespace}: items by key, and all
// keys below a base. Knows a client only by its requests.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreError } from '../../base/errors.ts';
import type { Result } from '../../store/result.ts';
import type { EntryPut } from '../../store/transaction.ts';
import { recordAnswer, sendAnswer, type Answer, type AnswerSink } from '../wire/answer.ts';
import type { BodyLimit } from '../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
import { identityOf } from '../idempotency/request-identity.ts';
import { unitsOf } from '../overload/concurrency-limiter.ts';
import { keyNotFound, sendError, sendProblem } from '../wire/problem.ts';
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

function sendDone(sink: AnswerSink): void {
  sink.header('content-type', 'text/plain; charset=utf-8');
  sink.header('x-content-type-options', 'nosniff').send(Buffer.from('OK'));
}

const emptyBody = Buffer.alloc(0);

class UnstorageHandlers {
  readonly #options: RouteContext;
  readonly #below: ItemsBelow;
  readonly #valueLimit: BodyLimit;

  constructor(options: RouteContext) {
    this.#options = options;
    this.#below = new ItemsBelow(options);
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
    const ttlMs = ttlMsOfHeader(request.headers['x-ttl']);
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

  /** In this protocol, deleting a missing key succeeds. */
  readonly delete = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const item = this.#itemOf(request);
    const identity = identityOf(request, emptyBody);
    if (identity !== undefined) {
      const { namespace, key, isBase } = item;
      const names = isBase ? () => this.#below.names(item) : [{ namespace, key }];
      sendAnswer(reply, await this.#once(identity, names, () => 'delete', unitsOf(1, 0)));
    } else {
      if (item.isBase) await this.#below.delete(item);
      else await this.#delete(item);
      sendDone(reply);
    }
  };

  async #delete({ namespace, key }: Item): Promise<void> {
    const { store, work } = this.#options;
    const operation = { op: 'delete', namespace, key } as const;
    const result = await work.during(unitsOf(1, 0), () => store.submit(operation));
    if (result.kind === 'refused') throw result.error;
  }

  #once(
    identity: RequestIdentity,
    names: AtomicWork['names'],
    changeAt: (now: number) => EntryPut | 'delete',
    units: number,
  ): Promise<Answer> {
    const { idempotency, work } = this.#options;
    const decide: AtomicWork['decide'] = ({ entries, now }) => ({
      changes: entries.map(() => changeAt(now)),
      answer: () => recordAnswer(sendDone),
    });
    return work.during(units, () => idempotency.run(identity, { names, decide }));
  }

  #itemOf(request: FastifyRequest): Item {
    return itemOf(nameText(request, itemMount), this.#options.limits.keyBytesMax);
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
      reply.header('x-ttl', String(seconds));
    }
    reply.header('content-type', labelOf(request)).header('vary', 'Accept');
    reply.header('x-content-type-options', 'nosniff').header('content-length', String(size));
    reply.send(value);
  }

  async #list(base: Item, reply: FastifyReply): Promise<void> {
    const body = await this.#below.list(base);
    reply.server.replies.check(body.length);
    reply.header('content-type', 'application/json').header('x-content-type-options', 'nosniff');
    reply.send(body);
  }
}

export function unstorageRoutes(app: FastifyInstance, options: RouteContext): void {
  const handlers = new UnstorageHandlers(options);
  app.get(itemMount.route, { exposeHeadRoute: false }, handlers.get);
  app.head(itemMount.route, handlers.head);
  app.put(itemMount.route, handlers.put);
  app.delete(itemMount.route, handlers.delete);
}
