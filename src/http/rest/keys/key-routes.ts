// GET, HEAD, PUT and DELETE of one key. If the store answers a read at once, the handler replies in
// the same turn. So the handler is no async function and makes no promise. A write returns its
// answer. Owns no header of a reply.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreError } from '../../../base/errors.ts';
import type { Conditions, DeleteOperation, PutOperation } from '../../../store/operation.ts';
import type { Result } from '../../../store/result.ts';
import type { RequestScope } from '../../access/request-scopes.ts';
import { answering, type Answer } from '../../wire/answer.ts';
import type { BodyLimit } from '../../body/body-reader.ts';
import { identityOf } from '../../idempotency/request-identity.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import { queryText } from '../../wire/request-target.ts';
import { conditionsOfRequest } from './conditions-of-request.ts';
import { answerOfWrite, sendResult } from './key-reply.ts';
import { keyMount, keyOfRequest } from './key.ts';
import { operationsOnce } from '../operations-once.ts';
import { parseQuery, type Query } from '../query.ts';
import { parseTtl } from './ttl.ts';
import type { RouteContext } from '../../route-context.ts';

function noQuery(request: FastifyRequest): void {
  parseQuery(queryText(request), []);
}

function readConditions({ headers }: FastifyRequest): Conditions | undefined {
  const none = headers['if-match'] === undefined && headers['if-none-match'] === undefined;
  return none ? undefined : conditionsOfRequest(headers);
}

function refusePartialPut(request: FastifyRequest): void {
  if (request.headers['content-range'] === undefined) return;
  throw new StoreError('BAD_REQUEST', 'A value is written whole; send no Content-Range.', {
    parameter: 'Content-Range',
  });
}

const emptyBody = Buffer.alloc(0);

function answerOfOnly(result: Result | undefined): Answer {
  if (result === undefined || result.kind === 'entry') throw new Error('a write has one result');
  return answerOfWrite(result);
}

class KeyHandlers {
  readonly #context: RouteContext;
  readonly #valueLimit: BodyLimit;

  constructor(context: RouteContext) {
    this.#context = context;
    this.#valueLimit = { bytesMax: context.limits.valueBytesMax, code: 'VALUE_TOO_LARGE' };
  }

  readonly get = (request: FastifyRequest, reply: FastifyReply): void => {
    this.#read('get', request, reply);
  };

  readonly head = (request: FastifyRequest, reply: FastifyReply): void => {
    this.#read('head', request, reply);
  };

  readonly put = async (request: FastifyRequest, reply: FastifyReply): Promise<Answer> => {
    const scope = this.#context.scopes.of(request);
    const { store, namespace } = scope;
    store.authorization.requireSomeWrite(namespace);
    const key = this.#keyOf(request);
    store.authorization.requireWrite({ namespace, key });
    const ttlMs = this.#ttlOf(parseQuery(queryText(request), ['ttl']));
    const { ifMatch, ifNoneMatch } = conditionsOfRequest(request.headers);
    refusePartialPut(request);
    const value = await this.#context.bodies.read(request, reply, this.#valueLimit);
    const operation = { op: 'put', namespace, key, value, ttlMs, ifMatch, ifNoneMatch } as const;
    return await this.#write(scope, request, operation, value);
  };

  readonly delete = async (request: FastifyRequest): Promise<Answer> => {
    const scope = this.#context.scopes.of(request);
    const { store, namespace } = scope;
    store.authorization.requireSomeWrite(namespace);
    const key = this.#keyOf(request);
    store.authorization.requireWrite({ namespace, key });
    noQuery(request);
    const { ifMatch, ifNoneMatch } = conditionsOfRequest(request.headers);
    const operation = { op: 'delete', namespace, key, ifMatch, ifNoneMatch } as const;
    return await this.#write(scope, request, operation, emptyBody);
  };

  #write(
    scope: RequestScope,
    request: FastifyRequest,
    operation: PutOperation | DeleteOperation,
    body: Buffer,
  ): Promise<Answer> {
    const { work, limits, idempotency } = this.#context;
    const { store } = scope;
    const units = unitsOf(1, body.length);
    const identity = identityOf(request, body, scope);
    if (identity === undefined) {
      return work.during(units, () => store.submit(operation)).then(answerOfOnly);
    }
    const once = operationsOnce([operation], limits, ([result]) => answerOfOnly(result));
    return work.during(units, () => idempotency.run(store, identity, once));
  }

  #read(op: 'get' | 'head', request: FastifyRequest, reply: FastifyReply): void {
    const { store, namespace } = this.#context.scopes.of(request);
    store.authorization.requireSomeRead(namespace);
    const key = this.#keyOf(request);
    noQuery(request);
    const conditions = readConditions(request);
    const result = store.submit({ op, namespace, key });
    if (!(result instanceof Promise)) {
      sendResult(request, reply, result, conditions);
      return;
    }
    result
      .then((late) => sendResult(request, reply, late, conditions))
      .catch((error: unknown) => reply.send(error));
  }

  #keyOf(request: FastifyRequest): string {
    return keyOfRequest(request, this.#context.limits.keyBytesMax);
  }

  #ttlOf(query: Query): number | undefined {
    const text = query.get('ttl');
    return text === undefined ? undefined : parseTtl(text, this.#context.clock.wallMs());
  }
}

export function keyRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new KeyHandlers(context);
  // HEAD has a handler of its own, because it need not fetch the value.
  app.get(keyMount.target, { exposeHeadRoute: false }, handlers.get);
  app.head(keyMount.target, handlers.head);
  app.put(keyMount.target, answering(handlers.put));
  app.delete(keyMount.target, answering(handlers.delete));
}
