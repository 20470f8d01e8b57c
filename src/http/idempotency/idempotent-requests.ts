// Runs each request with an Idempotency-Key once, as one transaction with the record of its answer.
// A repeat within the window gets that answer. Must not know dialects.
import { createHash } from 'node:crypto';
import { defaultNamespace } from '../../base/default-namespace.ts';
import { retrySoon, StoreError } from '../../base/errors.ts';
import { keptAnswersOf } from '../../base/namespace-name.ts';
import type { TransactionName } from '../../store/authorization.ts';
import type { EntryName } from '../../store/operation.ts';
import type { Durability, EntryResult } from '../../store/result.ts';
import type { CommandStore, TransactOptions } from '../../store/store.ts';
import type { EntryPut, TransactionMoment } from '../../store/transaction.ts';
import type { StoreOfCaller } from '../access/authorized-store.ts';
import type { Answer } from '../wire/answer.ts';
import { IdempotencyRecords, recordKey, type RecordScope } from './idempotency-records.ts';
import { decodeKeptAnswer, encodeKeptAnswer, type KeptAnswer } from './kept-answer.ts';

export interface IdempotentRequestsOptions {
  readonly store: CommandStore;
  /** Milliseconds for which an answer is kept. */
  readonly windowMs: number;
  /** Number of answers that are kept for each user, at most. */
  readonly recordsMax: number;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

/** Distinguishes one request from another. */
export interface RequestIdentity {
  readonly key: string;
  /** That of the caller; empty on an open server. */
  readonly userId: string;
  readonly namespace: string;
  readonly method: string;
  /** The path as the client sent it, without the query. */
  readonly path: string;
  /** Everything else that the answer depends on: query, headers, body. */
  readonly rest: readonly (string | Uint8Array)[];
}

/** The effect of a request, as one transaction. */
export interface AtomicWork {
  /**
   * No name twice. The record goes to the shard of the first name. A function is called only if no
   * answer is kept.
   */
  readonly names: readonly TransactionName[] | (() => Promise<readonly TransactionName[]>);
  /** Refuses a caller that may not carry out the request, if the names do not tell. */
  readonly refusal?: () => StoreError | undefined;
  /**
   * Works as a `TransactionPlan` does. `answer` gets the durability that the changes will have
   * reached.
   */
  readonly plan: (moment: TransactionMoment) => {
    readonly changes: readonly (EntryPut | 'delete' | undefined)[];
    readonly flush?: readonly string[];
    readonly answer: (durability: Durability) => Answer;
  };
}

/** Larger answers cannot be kept, so their requests are not carried out. */
export const keptAnswerBytesMax = 64 * 1024;

const replayedHeader = 'idempotent-replayed';

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

/** Two users never share an answer, nor do two namespaces. */
function scopeOf({ userId, namespace, method, path, key }: RequestIdentity): RecordScope {
  const parts = [userId, method, path, key];
  return { userId, hash: hashOf(namespace === defaultNamespace ? parts : [...parts, namespace]) };
}

function refusalOfWork(
  store: StoreOfCaller,
  { names, refusal }: AtomicWork,
): StoreError | undefined {
  return (
    refusal?.() ??
    (typeof names === 'function' ? undefined : store.authorization.refusalOfAll(names))
  );
}

/** A request whose answer is not kept, as far as the index knows. */
interface FirstRequest {
  readonly scope: RecordScope;
  readonly fingerprint: string;
  readonly namespace: string;
}

export class IdempotentRequests {
  readonly #options: IdempotentRequestsOptions;
  readonly #records: IdempotencyRecords;
  /** Hash of the scope -> fingerprint of the request in flight. */
  readonly #inFlight = new Map<string, string>();

  constructor(options: IdempotentRequestsOptions) {
    this.#options = options;
    this.#records = new IdempotencyRecords(options);
  }

  get records(): Pick<IdempotencyRecords, 'count' | 'evicted'> {
    return this.#records;
  }

  /** The caller awaits this before the first request. Rejects if a shard does not serve. */
  load(): Promise<void> {
    return this.#records.load();
  }

  /**
   * @throws StoreError IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_IN_FLIGHT, REPLY_TOO_LARGE; the
   *   store's refusals; all that `plan` throws
   */
  async run(
    store: StoreOfCaller,
    identity: RequestIdentity,
    work: AtomicWork,
    limits?: TransactOptions,
  ): Promise<Answer> {
    // A replay is authorized as if it were carried out.
    const refusal = refusalOfWork(store, work);
    if (refusal !== undefined) throw refusal;
    const { rest } = identity;
    const scope = scopeOf(identity);
    const fingerprint = hashOf(rest);
    const before = this.#inFlight.get(scope.hash);
    if (before !== undefined) throw before === fingerprint ? inFlight() : reused();
    this.#inFlight.set(scope.hash, fingerprint);
    try {
      return (
        (await this.#kept(scope, fingerprint)) ??
        (await this.#first(
          store,
          { scope, fingerprint, namespace: identity.namespace },
          work,
          limits,
        ))
      );
    } finally {
      this.#inFlight.delete(scope.hash);
    }
  }

  async #kept(scope: RecordScope, fingerprint: string): Promise<Answer | undefined> {
    const name = this.#records.find(scope);
    if (name === undefined) return undefined;
    const result = await this.#options.store.submit({ op: 'get', ...name });
    if (result.kind === 'refused') throw result.error;
    return result.kind === 'entry' ? replayOf(result, fingerprint) : undefined;
  }

  /**
   * First attempt as far as we know. The transaction re-reads the record, so a lost earlier attempt
   * is still found.
   */
  async #first(
    store: StoreOfCaller,
    { scope, fingerprint, namespace }: FirstRequest,
    { names: given, plan }: AtomicWork,
    limits?: TransactOptions,
  ): Promise<Answer> {
    const { windowMs, wallMs } = this.#options;
    const names = typeof given === 'function' ? await given() : given;
    const known = this.#records.find(scope);
    const record: EntryName = known ?? {
      namespace: keptAnswersOf(namespace),
      key: recordKey(scope, names[0]?.key ?? scope.hash),
    };
    // Added before the write: if the outcome stays unknown, the next attempt has to look there.
    this.#records.add(scope, { ...record, expiresAt: wallMs() + windowMs });
    let isKept = known !== undefined;
    try {
      const result = await store.transact(
        [...names, record],
        ({ entries, versions, now }) => {
          const kept = entries.at(-1);
          if (kept !== undefined) return { output: replayOf(kept, fingerprint), changes: [] };
          const { changes, flush, answer } = plan({
            entries: entries.slice(0, -1),
            versions: versions.slice(0, -1),
            now,
          });
          const changed = names.filter((_, index) => changes[index] !== undefined);
          const isTogether =
            flush === undefined &&
            store.areOnOneShard([record.key, ...changed.map((name) => name.key)]);
          // A transaction over several shards is synced in every mode.
          const output = answer(isTogether ? store.durability : 'synced');
          const put = {
            value: encodeAnswer({ ...output, fingerprint }),
            expiresAt: now + windowMs,
          };
          return {
            output,
            changes: [...names.map((_, index) => changes[index]), put],
            ...(flush === undefined ? {} : { flush }),
          };
        },
        limits,
      );
      isKept ||= result.kind === 'committed' || result.error.outcome !== 'not-applied';
      if (result.kind === 'refused') throw result.error;
      return result.output;
    } finally {
      if (!isKept) this.#records.remove(scope);
    }
  }
}

function encodeAnswer(answer: KeptAnswer): Buffer {
  if (answer.body.length <= keptAnswerBytesMax) return encodeKeptAnswer(answer);
  const detail =
    `With an Idempotency-Key, an answer may have ${keptAnswerBytesMax} bytes; this one would have ` +
    `${answer.body.length}. Nothing was carried out: ask for less, or without the key.`;
  throw new StoreError('REPLY_TOO_LARGE', detail, { limit: keptAnswerBytesMax });
}

function replayOf({ value = new Uint8Array() }: EntryResult, fingerprint: string): Answer {
  const { fingerprint: answered, status, headers, body } = decodeKeptAnswer(value);
  if (answered !== fingerprint) throw reused();
  return { status, headers: { ...headers, [replayedHeader]: 'true' }, body };
}

const parameter = 'Idempotency-Key';

function reused(): StoreError {
  const detail = 'This Idempotency-Key came with another request to the same path before.';
  return new StoreError('IDEMPOTENCY_KEY_REUSED', detail, { parameter });
}

function inFlight(): StoreError {
  const detail =
    'The request that first came with this Idempotency-Key is still being carried out.';
  return new StoreError('IDEMPOTENCY_KEY_IN_FLIGHT', detail, { ...retrySoon, parameter });
}
