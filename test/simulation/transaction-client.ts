// The calls of one client on several keys at one moment. They are transactions over random keys and
// over purses, and reads of many keys.
import type { Result } from '../../src/store/result.ts';
import { rangeOfPrefix } from '../../src/store/listing.ts';
import type { Store, TransactOptions } from '../../src/store/store.ts';
import type {
  EntryPut,
  PlannedChanges,
  TransactionMoment,
  TransactionResult,
} from '../../src/store/transaction.ts';
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import { randomTtl } from './client-history.ts';
import {
  allNamesIn,
  entryOfName,
  namespacesUsed,
  purseNamespace,
  secondNamespace,
} from './entry-names.ts';
import { carrying, filling, misfitOfCount, misfitOfPurses, purseName } from './purse.ts';
import type { ClientOptions } from './random-client.ts';
import { orRefused, readAll, readPage } from './read-page.ts';
import { demand } from './run-record.ts';
import { textOf } from './logged-entry.ts';
import type { Change } from './transaction-history.ts';
import { tagOf } from './transaction-tag.ts';

/** Decides the change of one key by its present version. */
type Rule = (version: number | undefined) => 'put' | 'delete' | undefined;

const rules: readonly Rule[] = [
  () => 'put',
  () => 'put',
  () => 'put',
  () => 'delete',
  () => undefined,
  (version) => (version === undefined ? 'put' : undefined),
  (version) => (version === undefined ? undefined : 'put'),
  (version) => ((version ?? 0) % 2 === 0 ? 'put' : 'delete'),
];

const keysMax = 5;

/** Plans the changes of one attempt. Values from `mint` belong to this attempt. */
type Plan = (
  moment: TransactionMoment,
  mint: (name: string, text?: string) => EntryPut,
) => Change[];

export class TransactionClient {
  readonly #name: string;
  readonly #options: ClientOptions;
  readonly #purses: readonly string[];
  #sent = 0;

  constructor(name: string, options: ClientOptions) {
    this.#name = name;
    this.#options = options;
    const { purses } = options;
    this.#purses = Array.from({ length: purses }, (_, index) => purseName(index));
  }

  async act(store: Store): Promise<void> {
    const choice = this.#random();
    if (choice < 0.5) await this.#change(store);
    else if (choice < 0.7) await this.#carry(store);
    else if (choice < 0.82) await this.#look(store);
    else if (choice < 0.91) await this.#audit(store);
    else await this.#drop(store);
  }

  /**
   * Changes all keys in one transaction.
   *
   * @returns whether it was committed
   */
  async changeAll(store: Store): Promise<boolean> {
    const { keys } = this.#options;
    const names = [...keys.slice(0, keysMax), ...this.#purses.slice(0, 1)];
    const result = await this.#transact(store, names, (_, mint) =>
      names.map((name, index) => (index < keys.length && index < keysMax ? mint(name) : undefined)),
    );
    return result.kind === 'committed';
  }

  get #random(): Random {
    return this.#options.random;
  }

  async #change(store: Store): Promise<void> {
    const names = this.#pick(this.#options.keys);
    const chosen = names.map(() => pickFrom(this.#random, rules));
    // Several entries share one deadline: no client may see only some of them gone.
    const ttl = this.#random() < 0.45 ? randomTtl(this.#random) : undefined;
    const isMortal = names.map(() => ttl !== undefined && this.#random() < 0.7);
    const needsFirst = this.#random() < 0.15;
    const plan: Plan = ({ entries, now }, mint) => {
      if (needsFirst && entries[0] === undefined) return [];
      return names.map((name, index): Change => {
        const what = chosen[index]?.(entries[index]?.version);
        if (what !== 'put') return what;
        const expiresAt = isMortal[index] === true ? now + (ttl ?? 0) : undefined;
        return { ...mint(name), expiresAt };
      });
    };
    await this.#transact(store, names, plan);
  }

  async #carry(store: Store): Promise<void> {
    const names = this.#random() < 0.3 ? this.#purses : this.#pick(this.#purses, 2);
    const isAll = names.length === this.#purses.length;
    const share = this.#random();
    await this.#transact(store, names, (moment, mint) => {
      const mintCoins = (index: number, coins: number): EntryPut =>
        mint(names[index] ?? '', `${coins} `);
      const texts = moment.entries.map((entry) => entry && textOf(entry.value));
      if (isAll) this.#judgePurses(texts, 'a transaction');
      const isEmpty = isAll && texts.every((text) => text === undefined);
      return isEmpty ? filling(moment, mintCoins) : carrying(texts, share, mintCoins);
    });
  }

  /**
   * Drops a namespace. Some drops change entries of others at the same moment. Most read nothing of
   * their namespace.
   */
  async #drop(store: Store): Promise<void> {
    const { keys } = this.#options;
    const dropped = pickFrom(this.#random, namespacesUsed);
    const isDropped = (name: string): boolean => entryOfName(name).namespace === dropped;
    const others = this.#pick(keys.filter((name) => !isDropped(name)));
    const changed = this.#random() < 0.5 ? others.slice(0, 2) : [];
    const read = this.#random() < 0.4 ? keys.filter(isDropped) : [];
    const plan: Plan = (_, mint) => changed.map((name) => mint(name));
    await this.#transact(store, [...changed, ...read], plan, [dropped]);
  }

  async #transact(
    store: Store,
    names: readonly string[],
    plan: Plan,
    flush: readonly string[] = [],
  ): Promise<TransactionResult<number>> {
    const { history, onPut, onResult, onTransaction } = this.#options;
    const entryNames = names.map(entryOfName);
    const recorded = history.transaction(this.#name, names);
    const number = this.#sent++;
    let attempts = 0;
    let changes: readonly Change[] = [];
    let versions: readonly number[] = [];
    const onEnd = onPut();
    const decide = (moment: TransactionMoment): PlannedChanges<number> => {
      const tag = tagOf(this.#name, number, attempts++);
      changes = plan(moment, (name, text = '') => this.#mint(`${text}${tag}-${name}`));
      versions = moment.versions;
      for (const [index, name] of names.entries()) {
        const entry = moment.entries[index];
        if (entry !== undefined) onResult(name, { op: 'get' }, { ...entry });
      }
      recorded.decided(moment, changes, flush.flatMap(allNamesIn));
      return { output: attempts, changes, flush };
    };
    const result = await store.transact(entryNames, decide, this.#optionsOf(flush));
    if (result.kind === 'refused') {
      const { outcome } = result.error;
      demand(outcome === 'unknown' || outcome === 'not-applied', `a transaction is ${outcome}`);
    } else {
      demand(result.output === attempts, 'a transaction has the output of another attempt');
    }
    recorded.told(result);
    const isChanging = flush.length > 0 || changes.some(Boolean);
    onTransaction(this.#name, number, attempts, result, isChanging);
    onEnd(result);
    if (result.kind === 'committed') {
      for (const [index, change] of changes.entries()) {
        const name = names[index];
        if (name === undefined || change === undefined || change === 'delete') continue;
        const version = versions[index] ?? 0;
        const call = { op: 'put' as const, value: textOf(change.value) };
        onResult(name, call, { kind: 'written', created: false, version, durability: 'written' });
      }
    }
    return result;
  }

  #optionsOf(flush: readonly string[]): TransactOptions {
    const synced = this.#random() < 0.2;
    if (flush.length === 0) return { synced };
    return { synced, alone: this.#random() < 0.2 || flush };
  }

  /** Reads all keys, all purses, or some of both at one moment, some of them directly. */
  async #look(store: Store): Promise<void> {
    const { history, keys, onResult } = this.#options;
    const choice = this.#random();
    if (choice < 0.35) {
      const namespace = this.#random() < 0.7 ? defaultNamespace : secondNamespace;
      await readAll(this.#name, store, namespace, this.#options);
      return;
    }
    const isOfPurses = choice < 0.65;
    const names = isOfPurses ? this.#purses : this.#pick([...keys, ...this.#purses]);
    const step = history.newStep();
    const recorded = names.map((name) => history.send(this.#name, name, { op: 'get' }, { step }));
    const results = await orRefused(store.getMany(names.map(entryOfName)));
    if (results === undefined) return;
    for (const [index, result] of results.entries()) {
      recorded[index]?.told(result);
      onResult(names[index] ?? '', { op: 'get' }, result);
    }
    if (isOfPurses && !results.some(({ kind }) => kind === 'refused')) {
      this.#judgePurses(results.map(textOfResult), 'a look at all');
    }
  }

  /** Reads all purses by a page, counts them, or measures their namespace. */
  async #audit(store: Store): Promise<void> {
    const choice = this.#random();
    if (choice < 0.4) {
      const count = await orRefused(this.#countPurses(store, choice));
      const misfit = misfitOfCount(count ?? 0, this.#purses.length);
      if (misfit !== undefined) this.#options.onWrong(`by a count ${misfit}`);
      return;
    }
    const name = this.#name;
    const results = await readPage(name, store, purseNamespace, this.#purses, this.#options);
    if (results !== undefined) this.#judgePurses(results.map(textOfResult), 'a page');
  }

  async #countPurses(store: Store, choice: number): Promise<number> {
    if (choice < 0.15) return await store.count(purseNamespace);
    if (choice < 0.25) return await store.count(purseNamespace, [rangeOfPrefix('p')]);
    // Purses do not expire, so a measure counts the same.
    const [measured] = await store.measure([purseNamespace]);
    return measured?.keys ?? 0;
  }

  #judgePurses(look: readonly (string | undefined)[], by: string): void {
    const misfit = misfitOfPurses(look);
    if (misfit !== undefined) this.#options.onWrong(`by ${by} ${misfit}`);
  }

  #pick(names: readonly string[], least = 1): readonly string[] {
    const left = [...names];
    const count = Math.min(left.length, least + randomBelow(this.#random, keysMax - least + 1));
    return Array.from({ length: count }, () => {
      const [name = ''] = left.splice(randomBelow(this.#random, left.length), 1);
      return name;
    });
  }

  #mint(text: string): EntryPut {
    const [usual, long] = this.#options.valueBytes;
    const padding = 'x'.repeat(randomBelow(this.#random, this.#random() < 0.1 ? long : usual));
    return { value: Buffer.from(`${text}-${padding}`), expiresAt: undefined };
  }
}

function textOfResult(result: Result): string | undefined {
  return result.kind === 'entry' ? textOf(result.value) : undefined;
}
