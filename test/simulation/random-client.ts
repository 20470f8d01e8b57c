// One client. Sends one random call at a time, and records calls and answers.
import type { Conditions, Operation, PutOperation } from '../../src/store/operation.ts';
import type { ListPage } from '../../src/store/listing.ts';
import type { Result } from '../../src/store/result.ts';
import type { Store } from '../../src/store/store.ts';
import type { Call } from '../support/history/recorded-call.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import type { TransactionResult } from '../../src/store/transaction.ts';
import { entryOfName, namespacesUsed, nameOf, purseNamespace } from './entry-names.ts';
import { readAll, readRanges } from './read-page.ts';
import { TransactionClient } from './transaction-client.ts';
import type { SimulationPlan } from './simulation-plan.ts';
import { randomTtl, type ClientHistory, type RecordedOperation } from './client-history.ts';

export interface ClientOptions {
  readonly random: Random;
  /** The names of the entries that all clients use. */
  readonly keys: readonly string[];
  readonly valueBytes: SimulationPlan['valueBytes'];
  readonly history: ClientHistory;
  /** Called with every put and every transaction. The returned function gets the result. */
  readonly onPut: () => (result: Result | TransactionResult<unknown>) => void;
  /** Called with every result, in the order of the answers. */
  readonly onResult: (name: string, call: Call, result: Result) => void;
  /** Called with every page that shows a whole namespace at one moment. */
  readonly onPage: (namespace: string, page: ListPage) => void;
  /** The share of calls that read or change several keys at one moment. */
  readonly transactions: number;
  /** The number of purses. */
  readonly purses: number;
  readonly onTransaction: OnTransaction;
  /** Called with a description of something that a client must never see. */
  readonly onWrong: (wrong: string) => void;
}

/**
 * Called with the result of a client's transaction.
 *
 * @param number the client's number of the transaction
 * @param attempts how often the client planned it; only the last attempt can commit
 * @param changes whether the last attempt planned any change
 */
export type OnTransaction = (
  client: string,
  number: number,
  attempts: number,
  result: TransactionResult<unknown>,
  changes: boolean,
) => void;

interface Asked {
  readonly operation: Operation;
  readonly call: Call;
}

export class RandomClient {
  readonly name: string;
  isBusy = false;
  readonly #options: ClientOptions;
  /** The last version of each key that the client has seen. */
  readonly #versions = new Map<string, number>();
  readonly #transactions: TransactionClient;
  #sent = 0;

  constructor(name: string, options: ClientOptions) {
    this.name = name;
    this.#options = options;
    this.#transactions = new TransactionClient(name, options);
  }

  /** Sends one random call. Rejects if the store breaks a promise. */
  async act(store: Store): Promise<void> {
    this.isBusy = true;
    const isOfMany = this.#random() < this.#options.transactions;
    const choice = this.#random();
    if (isOfMany) await this.#transactions.act(store);
    else if (choice < 0.72) await this.#one(store);
    else if (choice < 0.84) await this.#many(store);
    else if (choice < 0.9) await this.#list(store);
    else await this.#readAndWrite(store);
    this.isBusy = false;
  }

  /**
   * Puts a value that no other call puts.
   *
   * @returns whether it was written
   */
  async put(store: Store, key: string): Promise<boolean> {
    const asked = this.#askedPut(key, {}, undefined);
    const result = await this.#submit((operation) => store.submit(operation), asked);
    return result.kind === 'written';
  }

  /**
   * Changes as many keys in one transaction as allowed.
   *
   * @returns whether it was committed
   */
  changeAll(store: Store): Promise<boolean> {
    return this.#transactions.changeAll(store);
  }

  async #list(store: Store): Promise<void> {
    const namespaces = namespacesUsed.filter((each) => each !== purseNamespace);
    const namespace = pickFrom(this.#random, namespaces);
    if (this.#random() < 0.5) await readRanges(this.name, store, namespace, this.#options);
    else await readAll(this.name, store, namespace, this.#options);
  }

  get #random(): Random {
    return this.#options.random;
  }

  async #one(store: Store): Promise<void> {
    await this.#submit((operation) => store.submit(operation), this.#anything());
  }

  async #many(store: Store): Promise<void> {
    const asked = Array.from({ length: 2 + randomBelow(this.#random, 6) }, () => this.#anything());
    const recorded = asked.map((each) => this.#record(each));
    const results = await store.submitAll(asked.map(({ operation }) => operation));
    for (const [index, result] of results.entries()) {
      this.#told(asked[index]!, recorded[index]!, result);
    }
  }

  /** Writes on the condition that the entry has not changed since a read. */
  async #readAndWrite(store: Store): Promise<void> {
    const key = pickFrom(this.#random, this.#options.keys);
    const submit = (operation: Operation): Result | Promise<Result> => store.submit(operation);
    const read = await this.#submit(submit, this.#askedGet(key));
    if (read.kind !== 'entry' && read.kind !== 'missing') return;
    const expected =
      read.kind === 'entry' ? { ifMatch: [read.version] } : { ifNoneMatch: '*' as const };
    await this.#submit(submit, this.#askedPut(key, expected, undefined));
  }

  async #submit(
    submit: (operation: Operation) => Result | Promise<Result>,
    asked: Asked,
  ): Promise<Result> {
    const recorded = this.#record(asked);
    const result = await submit(asked.operation);
    this.#told(asked, recorded, result);
    return result;
  }

  #record({ operation, call }: Asked): RecordedOperation {
    const name = nameOf(operation);
    const ttlMs = operation.op === 'put' ? operation.ttlMs : undefined;
    const { history, onPut } = this.#options;
    const recorded = history.send(this.name, name, call, { ttlMs });
    if (call.op !== 'put') return recorded;
    const onResult = onPut();
    return {
      told: (result) => {
        recorded.told(result);
        onResult(result);
      },
    };
  }

  #told({ operation, call }: Asked, recorded: RecordedOperation, result: Result): void {
    const name = nameOf(operation);
    if ('version' in result) this.#versions.set(name, result.version);
    recorded.told(result);
    this.#options.onResult(name, call, result);
  }

  #anything(): Asked {
    const key = pickFrom(this.#random, this.#options.keys);
    const choice = this.#random();
    if (choice < 0.4) return this.#askedGet(key);
    if (choice < 0.6) return this.#askedPut(key, {}, this.#ttl());
    if (choice < 0.75) return this.#askedPut(key, this.#conditions(key), this.#ttl());
    const conditions = choice < 0.9 ? {} : this.#conditions(key);
    const operation: Operation = { op: 'delete', ...entryOfName(key), ...conditions };
    return { operation, call: { op: 'delete', ...conditions } };
  }

  #askedGet(key: string): Asked {
    return { operation: { op: 'get', ...entryOfName(key) }, call: { op: 'get' } };
  }

  #askedPut(key: string, conditions: Conditions, ttlMs: number | undefined): Asked {
    const length = this.#options.valueBytes[this.#random() < 0.1 ? 1 : 0];
    const padding = 'x'.repeat(randomBelow(this.#random, length));
    const value = `${this.name}-${this.#sent++}-${padding}`;
    const operation: PutOperation = {
      op: 'put',
      ...entryOfName(key),
      value: Buffer.from(value),
      ...conditions,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    return { operation, call: { op: 'put', value, ...conditions } };
  }

  #ttl(): number | undefined {
    return this.#random() < 0.25 ? randomTtl(this.#random) : undefined;
  }

  #conditions(key: string): Conditions {
    const choice = this.#random();
    if (choice < 0.35) return { ifNoneMatch: '*' };
    if (choice < 0.45) return { ifMatch: '*' };
    return { ifMatch: [this.#versions.get(key) || 1] };
  }
}
