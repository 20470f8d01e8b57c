// Handles PUT, DELETE and GET of one lock. Knows no transport, and none of the rules of locks.
import { textOfByteString } from '../../../base/byte-string.ts';
import { StoreError } from '../../../base/errors.ts';
import { entryOfLock, type LockName } from '../../../locks/lock-names.ts';
import {
  heldLockOf,
  lockHeld,
  noSuchLock,
  releasing,
  renewing,
  taking,
  type HeldLock,
  type LockTransaction,
} from '../../../locks/lock-rules.ts';
import { lockTransactOptions } from '../../../locks/locks.ts';
import type { StoreOfCaller } from '../../access/authorized-store.ts';
import type { RequestScope } from '../../access/request-scopes.ts';
import { readStrayBody, type ReadBody } from '../../body/body-reader.ts';
import type { RequestIdentity } from '../../idempotency/idempotent-requests.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import type { RouteContext } from '../../route-context.ts';
import { emptyAnswer, jsonAnswer, type Answer } from '../../wire/answer.ts';
import type { HttpRequest } from '../../wire/request-head.ts';
import { queryText } from '../../wire/request-target.ts';
import { etagOf } from '../../wire/value-answer.ts';
import { badParameter, parseQuery } from '../query.ts';
import { parseWait } from '../keys/wait-time.ts';
import { fencesOfRequest, lockNameOfRequest, parseLockTtl } from './lock.ts';
import { LockWait, type Grant } from './lock-wait.ts';

const emptyBody = Buffer.alloc(0);

function answerOfLock(status: number, { name, fence, expiresAt }: HeldLock): Answer {
  const body = JSON.stringify({ name: textOfByteString(name), fence, expiresAt });
  return jsonAnswer(status, body, { etag: etagOf(fence) });
}

function answerOfChange(status: number, lock: HeldLock): Answer {
  const { headers, ...answer } = answerOfLock(status, lock);
  return { ...answer, headers: { ...headers, 'holdfast-durability': 'synced' } };
}

function withoutFence(): StoreError {
  const detail =
    'To release a lock, send its fence: If-Match: "FENCE". Without it, only a caller with admin on the ' +
    'namespace may release a lock. Nothing was done.';
  return new StoreError('PRECONDITION_REQUIRED', detail, { parameter: 'If-Match' });
}

function doNothing(): void {}

/** A request about one lock, once its caller was let in. */
interface LockRequest {
  readonly lock: LockName;
  readonly scope: RequestScope;
  /** Leaves records of the lock. */
  readonly store: StoreOfCaller;
  readonly identity: RequestIdentity | undefined;
}

export class LockHandlers {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly put = async (request: HttpRequest, readBody: ReadBody): Promise<Answer> => {
    const asked = this.#requestOfWriter(request, 'lock');
    const query = parseQuery(queryText(request), ['ttl', 'wait']);
    const ttlMs = parseLockTtl(query.get('ttl'));
    const wait = query.get('wait');
    const waitMs = wait === undefined ? 0 : parseWait(wait);
    const fences = fencesOfRequest(request);
    if (fences !== undefined && wait !== undefined) {
      throw badParameter('wait', 'A renewal does not wait: send If-Match without wait.');
    }
    await readStrayBody(readBody);
    if (fences === undefined) return await this.#take(request, asked, ttlMs, waitMs);
    const { userId } = asked.scope.caller;
    const renewal = renewing(asked.lock, { fences, userId, ttlMs });
    return await this.#run(asked, renewal, (lock) => answerOfChange(200, lock));
  };

  readonly delete = async (request: HttpRequest, readBody: ReadBody): Promise<Answer> => {
    const asked = this.#requestOfWriter(request, 'unlock');
    const { lock, scope, store } = asked;
    store.authorization.requireNamespace(lock.namespace);
    parseQuery(queryText(request), []);
    const fences = fencesOfRequest(request);
    const { rights, userId } = scope.caller;
    if (fences === undefined && !rights.in(lock.namespace).isAdmin) throw withoutFence();
    await readStrayBody(readBody);
    const release = releasing(lock, fences === undefined ? 'anyone' : { fences, userId });
    return await this.#run(asked, release, () =>
      emptyAnswer(204, { 'holdfast-durability': 'synced' }),
    );
  };

  readonly get = async (request: HttpRequest): Promise<Answer> => {
    const scope = this.#context.scopes.of(request);
    const { namespace } = scope;
    scope.store.authorization.requireSomeRead(namespace);
    const lock = { namespace, name: this.#nameOf(request) };
    parseQuery(queryText(request), []);
    const command = { name: 'get', access: 'read', action: 'get-lock' } as const;
    const store = scope.store.forCommands([{ command, keys: [lock.name] }]);
    const [result] = await store.getMany([entryOfLock(lock)]);
    if (result?.kind === 'refused') throw result.error;
    const held = heldLockOf(lock, result?.kind === 'entry' ? result : undefined);
    if (held === undefined) throw noSuchLock(lock);
    return answerOfLock(200, held);
  };

  /** @throws StoreError if the caller may not change the lock */
  #requestOfWriter(request: HttpRequest, action: 'lock' | 'unlock'): LockRequest {
    const scope = this.#context.scopes.of(request);
    const { namespace } = scope;
    scope.store.authorization.requireSomeWrite(namespace);
    const lock = { namespace, name: this.#nameOf(request) };
    const command = { name: action, access: 'write', action } as const;
    const store = scope.store.forCommands([{ command, keys: [lock.name] }]);
    store.authorization.requireWrite({ namespace, key: lock.name });
    const identity = this.#context.identityOf(request, emptyBody, scope);
    return { lock, scope, store, identity };
  }

  async #take(
    { raw }: HttpRequest,
    asked: LockRequest,
    ttlMs: number,
    waitMs: number,
  ): Promise<Answer> {
    const { locks, waits, clock } = this.#context;
    const { lock, store } = asked;
    const { socket } = raw;
    const take = (mayTake: () => boolean) => this.#grant(asked, ttlMs, mayTake);
    const { queues } = locks;
    const waiting = (): Promise<Grant<Answer>> =>
      new LockWait({
        waits,
        queues,
        lock,
        waitMs,
        socket,
        take,
        refusal: () =>
          store.authorization.refusalOfWrite({ namespace: lock.namespace, key: lock.name }),
        held: (expiresAt) => {
          const now = clock.wallMs();
          return lockHeld(lock, expiresAt ?? now, now);
        },
        onWait: () => {
          raw.hasWaited = true;
        },
      }).run();
    const grant = await (waitMs === 0 ? take(() => !queues.hasWaiters(lock)) : waiting());
    // No client hears of it.
    if (socket.destroyed) grant.undo();
    return grant.answer;
  }

  /** Takes the lock, or rejects with LOCK_HELD. */
  async #grant(asked: LockRequest, ttlMs: number, mayTake: () => boolean): Promise<Grant<Answer>> {
    const { locks } = this.#context;
    const { lock, scope, identity } = asked;
    const { userId } = scope.caller;
    let taken: HeldLock | undefined;
    const answer = await this.#run(asked, taking(lock, { ttlMs, userId, mayTake }), (held) => {
      taken = held;
      return answerOfChange(201, held);
    });
    // A repeat of the request gets the kept answer, so the lock must stay.
    const undo = (): void => {
      if (taken !== undefined) void locks.giveBack(taken, userId);
    };
    return { answer, undo: identity === undefined ? undo : doNothing };
  }

  /** @throws StoreError as the plan does, or the refusal of the store */
  async #run<Output>(
    { lock, store, identity }: LockRequest,
    { names, plan }: LockTransaction<Output>,
    answerOf: (output: Output) => Answer,
  ): Promise<Answer> {
    const { work, idempotency } = this.#context;
    return await work.during(lock.namespace, unitsOf(1, 0), async () => {
      if (identity !== undefined) {
        const once = (moment: Parameters<typeof plan>[0]) => {
          const { changes, output } = plan(moment);
          return { changes, answer: () => answerOf(output) };
        };
        return await idempotency.run(store, identity, { names, plan: once }, lockTransactOptions);
      }
      const result = await store.transact(names, plan, lockTransactOptions);
      if (result.kind === 'refused') throw result.error;
      return answerOf(result.output);
    });
  }

  #nameOf(request: HttpRequest): string {
    return lockNameOfRequest(request, this.#context.limits.keyBytesMax);
  }
}
