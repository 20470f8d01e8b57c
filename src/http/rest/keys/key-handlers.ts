// Handles GET, HEAD, PUT and DELETE of one key. If the store answers at once, the handler does, too. Owns
// no header of an answer, and knows no transport.
import { StoreError } from '../../../base/errors.ts';
import { andThen, type MaybePromise } from '../../../base/maybe-promise.ts';
import type { Conditions, DeleteOperation, PutOperation } from '../../../store/operation.ts';
import type { Result, Sight } from '../../../store/result.ts';
import type { RequestScope } from '../../access/request-scopes.ts';
import { readStrayBody, type BodyLimit, type ReadBody } from '../../body/body-reader.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import type { RouteContext } from '../../route-context.ts';
import type { Answer } from '../../wire/answer.ts';
import type { HttpRequest } from '../../wire/request-head.ts';
import { queryText } from '../../wire/request-target.ts';
import { isValueAnswer, smallValueBytesMax, type KeyAnswer } from '../../wire/value-answer.ts';
import { operationsOnce } from '../operations-once.ts';
import { parseQuery, type Query } from '../query.ts';
import { conditionsOfRequest } from './conditions-of-request.ts';
import { EntryWait } from './entry-wait.ts';
import { answerOfEntry, answerOfWrite, isHeldByClient } from './key-answer.ts';
import { keyOfRequest } from './key.ts';
import { parseTtl } from './ttl.ts';
import { labelOfAccept } from './value-label.ts';
import { parseWait } from './wait-time.ts';

function noQuery(request: HttpRequest): void {
  parseQuery(queryText(request), []);
}

function readConditions({ headers }: HttpRequest): Conditions | undefined {
  const none = headers['if-match'] === undefined && headers['if-none-match'] === undefined;
  return none ? undefined : conditionsOfRequest(headers);
}

function refusePartialPut(request: HttpRequest): void {
  if (request.headers['content-range'] === undefined) return;
  throw new StoreError('BAD_REQUEST', 'A value is written whole; send no Content-Range.', {
    parameter: 'Content-Range',
  });
}

const emptyBody = Buffer.alloc(0);

function withoutValue(sight: Sight): Sight {
  return sight.kind === 'entry' ? { ...sight, value: undefined } : sight;
}

function answerOfOnly(result: Result | undefined): Answer {
  if (result === undefined || result.kind === 'entry') throw new Error('a write has one result');
  return answerOfWrite(result);
}

export class KeyHandlers {
  readonly #context: RouteContext;
  readonly #valueLimit: BodyLimit;

  constructor(context: RouteContext) {
    this.#context = context;
    this.#valueLimit = { bytesMax: context.limits.valueBytesMax, code: 'VALUE_TOO_LARGE' };
  }

  readonly get = (request: HttpRequest): MaybePromise<KeyAnswer> => this.#read('get', request);

  /** Has a handler of its own, because it need not fetch the value. */
  readonly head = (request: HttpRequest): MaybePromise<KeyAnswer> => this.#read('head', request);

  readonly put = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const scope = this.#context.scopes.of(request);
    const { store, namespace } = scope;
    store.authorization.requireSomeWrite(namespace);
    const key = this.#keyOf(request);
    store.authorization.requireWrite({ namespace, key });
    const ttlMs = this.#ttlOf(parseQuery(queryText(request), ['ttl']));
    const { ifMatch, ifNoneMatch } = conditionsOfRequest(request.headers);
    refusePartialPut(request);
    return andThen(readBody(this.#valueLimit), (value) => {
      const operation = { op: 'put', namespace, key, value, ttlMs, ifMatch, ifNoneMatch } as const;
      return this.#write(scope, request, operation, value);
    });
  };

  readonly delete = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const scope = this.#context.scopes.of(request);
    const { store, namespace } = scope;
    store.authorization.requireSomeWrite(namespace);
    const key = this.#keyOf(request);
    store.authorization.requireWrite({ namespace, key });
    noQuery(request);
    const { ifMatch, ifNoneMatch } = conditionsOfRequest(request.headers);
    return andThen(readStrayBody(readBody), () => {
      const operation = { op: 'delete', namespace, key, ifMatch, ifNoneMatch } as const;
      return this.#write(scope, request, operation, emptyBody);
    });
  };

  #write(
    scope: RequestScope,
    request: HttpRequest,
    operation: PutOperation | DeleteOperation,
    body: Buffer,
  ): MaybePromise<Answer> {
    const { work, limits, idempotency, identityOf } = this.#context;
    const { store, namespace } = scope;
    const units = unitsOf(1, body.length);
    const identity = identityOf(request, body, scope);
    if (identity === undefined) {
      return work.during(namespace, units, () => andThen(store.submit(operation), answerOfOnly));
    }
    const once = operationsOnce([operation], limits, ([result]) => answerOfOnly(result));
    return work.during(namespace, units, () => idempotency.run(store, identity, once));
  }

  #read(op: 'get' | 'head', request: HttpRequest): MaybePromise<KeyAnswer> {
    const { store, namespace } = this.#context.scopes.of(request);
    store.authorization.requireSomeRead(namespace);
    const key = this.#keyOf(request);
    const wait = parseQuery(queryText(request), ['wait']).get('wait');
    const waitMs = wait === undefined ? 0 : parseWait(wait);
    const conditions = readConditions(request);
    const read = { op, namespace, key } as const;
    const answerOf = (result: Result): KeyAnswer => this.#answerOfRead(request, result, conditions);
    if (waitMs === 0) return andThen(store.submit(read), answerOf);
    const { waits } = this.#context;
    const { raw } = request;
    return new EntryWait({
      waits,
      store,
      read,
      waitMs,
      socket: raw.socket,
      isHeld: (sight) => isHeldByClient(sight, conditions),
      answerOf: (sight) => answerOf(op === 'head' ? withoutValue(sight) : sight),
      onWait: () => {
        raw.hasWaited = true;
      },
    }).run();
  }

  #answerOfRead(
    { headers }: HttpRequest,
    result: Result,
    conditions: Conditions | undefined,
  ): KeyAnswer {
    if (result.kind !== 'entry') return answerOfWrite(result);
    const answer = answerOfEntry(result, labelOfAccept(headers.accept), conditions);
    // Small values always find room.
    if (isValueAnswer(answer) && result.size > smallValueBytesMax) {
      this.#context.replies.check(result.size);
    }
    return answer;
  }

  #keyOf(request: HttpRequest): string {
    return keyOfRequest(request, this.#context.limits.keyBytesMax);
  }

  #ttlOf(query: Query): number | undefined {
    const text = query.get('ttl');
    return text === undefined ? undefined : parseTtl(text, this.#context.clock.wallMs());
  }
}
