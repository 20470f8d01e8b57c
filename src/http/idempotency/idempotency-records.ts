// Indexes the kept answers: which there are, and under which key. The answers are entries in the
// store, each in the shard of its request's first key. The number is bounded for each user: a
// user's oldest answers go first, and never those of another user.
import type { Store } from '../../store/store.ts';
import type { EntryName } from '../../store/operation.ts';
import { slotOfKey } from '../../store/slot.ts';
import { tagOfSlot } from '../../store/slot-tag.ts';
import { keptAnswersOf, ownerOfNamespace } from '../../base/namespace-name.ts';
import { walkItems } from '../walk-keys.ts';

/** Older versions kept all answers here. They count to no namespace. */
const formerNamespace = '~idempotency';

export interface IdempotencyRecordsOptions {
  readonly store: Store;
  /** For each user. */
  readonly recordsMax: number;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

interface RecordPosition extends EntryName {
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Names a request of one user. No two users share a scope. */
export interface RecordScope {
  /** Empty on an open server. Without a slash. */
  readonly userId: string;
  /** A hash in hexadecimal digits. */
  readonly hash: string;
}

/** @param beside the record goes into the shard of this key */
export function recordKey({ userId, hash }: RecordScope, beside: string): string {
  return tagOfSlot(slotOfKey(beside)) + (userId === '' ? hash : `${userId}/${hash}`);
}

function holdsKeptAnswers(namespace: string): boolean {
  if (namespace === formerNamespace) return true;
  return namespace === keptAnswersOf(ownerOfNamespace(namespace));
}

function scopeOfKey(key: string): RecordScope {
  const text = key.slice(key.indexOf('}') + 1);
  const slash = text.lastIndexOf('/');
  return { userId: slash === -1 ? '' : text.slice(0, slash), hash: text.slice(slash + 1) };
}

export class IdempotencyRecords {
  readonly #options: IdempotencyRecordsOptions;
  /** By user and then by hash, each user's oldest first. */
  readonly #places = new Map<string, Map<string, RecordPosition>>();
  #sweep = this.#places.keys();
  #count = 0;
  #evicted = 0;

  constructor(options: IdempotencyRecordsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Records deleted before their time, to keep the bound of their user. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Finds the records of earlier runs of the program. Rejects if a shard does not serve. */
  async load(): Promise<void> {
    const found: RecordPosition[] = [];
    const { store } = this.#options;
    const figures = await store.measure();
    const names = figures.map(({ namespace }) => namespace).filter(holdsKeptAnswers);
    for (const namespace of names) {
      const pages = walkItems(namespace, '', (query) => store.list(query));
      // oxlint-disable-next-line no-await-in-loop -- page by page, to bound the memory
      for await (const items of pages) {
        for (const { key, expiresAt = Infinity } of items)
          found.push({ namespace, key, expiresAt });
      }
    }
    for (const place of found.toSorted((a, b) => a.expiresAt - b.expiresAt)) {
      this.#set(scopeOfKey(place.key), place);
    }
    for (const userId of this.#places.keys()) this.#bound(userId);
  }

  /** The name of the answer to a request of this scope, if the answer is kept. */
  find({ userId, hash }: RecordScope): EntryName | undefined {
    const place = this.#places.get(userId)?.get(hash);
    if (place === undefined || place.expiresAt <= this.#options.wallMs()) return undefined;
    const { namespace, key } = place;
    return { namespace, key };
  }

  add(scope: RecordScope, place: RecordPosition): void {
    this.remove(scope);
    this.#set(scope, place);
    this.#bound(scope.userId);
    this.#boundNext();
  }

  remove({ userId, hash }: RecordScope): void {
    const places = this.#places.get(userId);
    if (places?.delete(hash) !== true) return;
    this.#count -= 1;
    if (places.size === 0) this.#places.delete(userId);
  }

  #set({ userId, hash }: RecordScope, place: RecordPosition): void {
    const places = this.#places.get(userId) ?? new Map<string, RecordPosition>();
    this.#places.set(userId, places.set(hash, place));
    this.#count += 1;
  }

  /** Looks at another user each time, so that none keeps what has expired because it asks no more. */
  #boundNext(): void {
    let next = this.#sweep.next();
    if (next.done === true) {
      this.#sweep = this.#places.keys();
      next = this.#sweep.next();
    }
    if (next.done !== true) this.#bound(next.value);
  }

  #bound(userId: string): void {
    const places = this.#places.get(userId);
    if (places === undefined) return;
    const now = this.#options.wallMs();
    for (const [hash, { namespace, key, expiresAt }] of places) {
      const isExpired = expiresAt <= now;
      if (!isExpired && places.size <= this.#options.recordsMax) return;
      this.remove({ userId, hash });
      // The store itself removes expired entries.
      if (isExpired) continue;
      this.#evicted += 1;
      // If the delete fails, the entry stays until it expires, and no request looks there.
      void this.#options.store.submit({ op: 'delete', namespace, key });
    }
  }
}
