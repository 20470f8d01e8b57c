// The registry of namespaces that were made. Makes them, changes their settings, and drops them.
// Knows no request: the caller has judged that it may.
import { defaultNamespace } from '../base/default-namespace.ts';
import { retrySoon, StoreError } from '../base/errors.ts';
import { checkNamespaceName, namespacesCountedTo } from '../base/namespace-name.ts';
import type { EntryName } from '../store/operation.ts';
import type { Quota } from '../store/quota.ts';
import type { Store } from '../store/store.ts';
import type { EntryPut } from '../store/transaction.ts';
import type { Callers } from './callers.ts';
import { NameLocks } from './name-locks.ts';
import { encodeNamespace, nameOfNamespace, type NamespaceRecord } from './namespace-records.ts';
import { namespaceDefaults, type NamespaceSettings } from './namespace-settings.ts';
import type { Judge, RecordChanges } from './record-changes.ts';
import { readRecord } from './read-record.ts';
import { SortedNames } from './sorted-names.ts';
import { untilKnown, type Sleep } from './until-known.ts';
import type { NamespaceView, Page } from './views.ts';
import { withoutNamespace } from './without-namespace.ts';

export interface NamespacesOptions {
  readonly store: Store;
  readonly records: RecordChanges;
  readonly callers: Callers;
  /** The most namespaces, the default one among them. */
  readonly namespacesMax: number;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  readonly sleep: Sleep;
}

/** A namespace in memory. `entry` names its record; undefined if the store has none. */
export interface KnownNamespace {
  readonly record: NamespaceRecord;
  readonly entry: EntryName | undefined;
}

/** The record of a namespace, for the write that makes it. */
export interface NewNamespace {
  /** In the shard of the key that the write puts. */
  readonly name: EntryName;
  /** Put it in the same transaction as the entry, if and only if the entry is put. */
  readonly put: EntryPut;
  /** Called with whether it was put, if the write knows. Else the registry looks for it. */
  readonly told: (isPut: boolean) => void;
}

/** `dropping`: its entries are being removed, and no new ones may come. */
export type NamespaceState = 'made' | 'dropping' | 'absent';

export class Namespaces {
  readonly #options: NamespacesOptions;
  readonly #known = new Map<string, KnownNamespace>();
  readonly #names = new SortedNames();
  readonly #dropping = new Set<string>();
  /** Names that are being made, or whose making has an unknown outcome. */
  readonly #making = new Set<string>();
  /** Resolves once the quota that was set last binds all later writes. */
  #limiting: Promise<void> = Promise.resolve();
  readonly #locks = new NameLocks();
  /** Numbers of requests since the start, by name. */
  readonly #requests = new Map<string, { count: number }>();
  /** Names whose audit is not off. */
  readonly #audited = new Set<string>();

  constructor(options: NamespacesOptions) {
    this.#options = options;
    const record = { name: defaultNamespace, createdAt: options.nowMs(), ...namespaceDefaults };
    this.add({ record, entry: undefined });
  }

  get count(): number {
    return this.#known.size;
  }

  /** For namespaces that the store has already. */
  add(namespace: KnownNamespace): void {
    const { name, audit } = namespace.record;
    this.#known.set(name, namespace);
    this.#names.add(name);
    if (!this.#requests.has(name)) this.#requests.set(name, { count: 0 });
    if (audit === 'off') this.#audited.delete(name);
    else this.#audited.add(name);
    this.#limiting = this.#limit(name, namespace.record);
  }

  /** True if the audit of any namespace is not off. Every request asks. */
  get hasAudited(): boolean {
    return this.#audited.size > 0;
  }

  /** Counts a request in the namespace, if there is one of this name. */
  noteRequest(name: string): void {
    const requests = this.#requests.get(name);
    if (requests !== undefined) requests.count += 1;
  }

  /** All names, with their numbers of requests since the start. */
  requests(): { readonly name: string; readonly count: number }[] {
    return [...this.#requests].map(([name, { count }]) => ({ name, count }));
  }

  state(name: string): NamespaceState {
    if (this.#dropping.has(name)) return 'dropping';
    return this.#known.has(name) ? 'made' : 'absent';
  }

  settings(name: string): NamespaceSettings | undefined {
    return this.#known.get(name)?.record;
  }

  /**
   * Runs a write that may make its namespace. Writes that would make the same one come one after the
   * other, and only the first to put an entry gets the record to put along.
   *
   * @param key the write puts this key, or one of its shard
   * @param write gets undefined if the namespace is there by now
   * @throws StoreError NAMESPACES_FULL, OVERLOADED, SHARD_UNAVAILABLE; whatever `write` throws
   */
  makeBy<T>(
    name: string,
    key: string,
    write: (making: NewNamespace | undefined) => Promise<T>,
  ): Promise<T> {
    checkNamespaceName(name, 'namespace');
    return this.#locks.hold(name, async () => {
      this.#refuseUnsettled(name);
      if (this.#known.has(name)) return await write(undefined);
      this.#refuseFull();
      const record = { name, createdAt: this.#options.nowMs(), ...namespaceDefaults };
      const entry = nameOfNamespace(name, key);
      const put = { value: encodeNamespace(record), expiresAt: undefined };
      let isPut: boolean | undefined;
      const told: NewNamespace['told'] = (answer) => void (isPut = answer);
      this.#making.add(name);
      try {
        return await write({ name: entry, put, told });
      } finally {
        await this.#settleMaking(record, entry, isPut);
      }
    });
  }

  /**
   * Makes a namespace, or replaces its settings.
   *
   * @param judge asked once no other change can come before this one
   * @throws StoreError NAMESPACE_INVALID, NAMESPACES_FULL; the store's refusals
   */
  put(name: string, settings: NamespaceSettings, judge?: Judge): Promise<'created' | 'changed'> {
    checkNamespaceName(name, 'name');
    const { records } = this.#options;
    return records.exclusive(
      () =>
        this.#locks.hold(name, async () => {
          this.#refuseUnsettled(name);
          const known = this.#known.get(name);
          if (known === undefined) {
            this.#refuseFull();
            // Until the outcome is known, no first write may put a record of its own.
            this.#making.add(name);
          }
          const createdAt = known?.record.createdAt ?? this.#options.nowMs();
          await this.#store({ record: { name, createdAt, ...settings }, entry: known?.entry });
          await this.#limiting;
          return known === undefined ? 'created' : 'changed';
        }),
      judge,
    );
  }

  /** @throws StoreError NAMESPACE_NOT_FOUND; the store's refusals */
  async view(name: string): Promise<NamespaceView> {
    const { record } = this.#made(name);
    const [view] = await this.#viewsOf([record]);
    if (view === undefined) throw new Error('no figures for a namespace');
    return view;
  }

  /**
   * @param after continue behind this name
   * @param isShown leaves out the others, as if they did not exist
   * @throws StoreError the store's refusals
   */
  async views(
    after: string | undefined,
    limit: number,
    isShown: (name: string) => boolean = () => true,
  ): Promise<Page<NamespaceView>> {
    const shown = this.#names.page(after, Infinity).filter(isShown);
    const names = shown.slice(0, limit);
    const records = names.flatMap((name) => this.#known.get(name)?.record ?? []);
    const next = shown.length > limit ? names.at(-1) : undefined;
    return { items: await this.#viewsOf(records), next };
  }

  /**
   * Removes all entries of the namespace, its record, and its name from all grants, at one moment. A
   * token left without any grant is revoked.
   *
   * @param judge asked once no other change can come before this one
   * @throws StoreError NAMESPACE_NOT_FOUND, NAMESPACE_REQUIRED; the store's refusals
   */
  drop(name: string, judge?: Judge): Promise<void> {
    const { records } = this.#options;
    return records.exclusive(
      () =>
        this.#locks.hold(name, async () => {
          this.#refuseUnsettled(name);
          const known = this.#made(name);
          if (name === defaultNamespace) throw isRequired();
          // The outcome of the drop is found by the record.
          const entry = known.entry ?? (await this.#store(known));
          const grants = withoutNamespace(this.#options.callers, name);
          this.#dropping.add(name);
          await records.commit({
            changes: [{ name: entry, put: undefined }, ...grants.changes],
            flush: namespacesCountedTo(name),
            apply: () => {
              grants.apply();
              this.#dropping.delete(name);
              this.#known.delete(name);
              this.#names.delete(name);
              this.#requests.delete(name);
              this.#limiting = this.#limit(name, {});
              this.#audited.delete(name);
            },
            dismiss: () => void this.#dropping.delete(name),
          });
        }),
      judge,
    );
  }

  #made(name: string): KnownNamespace {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const detail = `There is no namespace ${JSON.stringify(name)}.`;
    throw new StoreError('NAMESPACE_NOT_FOUND', detail);
  }

  async #limit(name: string, { keysMax, bytesMax }: Quota): Promise<void> {
    await this.#options.store.setQuota?.(name, { keysMax, bytesMax });
  }

  /** Only within `exclusive`. */
  async #store({ record, entry }: KnownNamespace): Promise<EntryName> {
    const name = entry ?? nameOfNamespace(record.name, record.name);
    await this.#options.records.commit({
      changes: [{ name, put: encodeNamespace(record) }],
      apply: () => {
        this.add({ record, entry: name });
        this.#making.delete(record.name);
      },
      dismiss: () => void this.#making.delete(record.name),
    });
    return name;
  }

  /** @param isPut undefined: it has to look, since the answer of the write leaves that open */
  async #settleMaking(
    record: NamespaceRecord,
    entry: EntryName,
    isPut: boolean | undefined,
  ): Promise<void> {
    const { store, sleep } = this.#options;
    const look = async (): Promise<boolean | undefined> => {
      const found = await readRecord(store, entry);
      return found === 'unknown' ? undefined : found !== undefined;
    };
    const settle = (isMade: boolean): void => {
      if (isMade) this.add({ record, entry });
      this.#making.delete(record.name);
    };
    const isMade = isPut ?? (await look());
    if (isMade === undefined) void untilKnown(look, sleep).then(settle);
    else settle(isMade);
  }

  async #viewsOf(records: readonly NamespaceRecord[]): Promise<readonly NamespaceView[]> {
    const names = records.map(({ name }) => namespacesCountedTo(name));
    const figures = (await this.#options.store.measure(names.flat())).values();
    return records.map(({ name, keysMax, bytesMax, audit, createdAt }, index) => {
      let keys = 0;
      let bytes = 0;
      for (let left = names[index]?.length ?? 0; left > 0; left--) {
        const part = figures.next().value;
        keys += part?.keys ?? 0;
        bytes += part?.bytes ?? 0;
      }
      return {
        name,
        keys,
        bytes,
        ...(keysMax === undefined ? {} : { keysMax }),
        ...(bytesMax === undefined ? {} : { bytesMax }),
        audit,
        createdAt,
      };
    });
  }

  #refuseFull(): void {
    const { namespacesMax } = this.#options;
    if (this.#known.size + this.#making.size < namespacesMax) return;
    const detail = `There may be at most ${namespacesMax} namespaces. Nothing was made or written.`;
    throw new StoreError('NAMESPACES_FULL', detail, { limit: namespacesMax });
  }

  #refuseUnsettled(name: string): void {
    if (!this.#making.has(name) && !this.#dropping.has(name)) return;
    const detail =
      'An earlier request makes or drops this namespace, and its outcome is not known yet. Nothing ' +
      'was done.';
    throw new StoreError('SHARD_UNAVAILABLE', detail, retrySoon);
  }
}

function isRequired(): StoreError {
  const detail = `The namespace ${defaultNamespace} always exists and cannot be dropped.`;
  return new StoreError('NAMESPACE_REQUIRED', detail);
}
