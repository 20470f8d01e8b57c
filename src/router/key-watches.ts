// Owns the watched entries, and shows each of them to its watchers after every operation that may have
// changed it. It looks at the entry by a read that is queued right behind the operation, so it sees the
// state that the operation has left. One look serves all watchers of an entry. An entry that nothing
// touches costs nothing. Knows neither locks nor shards.
import { DeadlineQueue, type Deadline } from '../base/deadline-queue.ts';
import type { ShardResult } from '../protocol/shard-operation.ts';
import type { EntryName, GetOperation } from '../store/operation.ts';
import type { ExpiresAt, Sight } from '../store/result.ts';

/** Called with each sight. Must not throw. */
export type OnSight = (sight: Sight) => void;

/** Queues a read behind all operations of its shard. Never rejects. */
export type Look = (read: GetOperation) => Promise<ShardResult>;

/** One watcher of one entry. */
export interface KeyWatch {
  /**
   * Shows the entry to this watcher alone, as its own first read has found it. The caller waits for
   * that read by one `then`, as looks are waited for: sights come in the order of the answers.
   */
  readonly show: (sight: Sight) => void;
  readonly end: () => void;
}

/**
 * Looks at one entry that are under way at a time. Further operations share the next look, which may then
 * miss an entry that was put and deleted in between. A watcher that still waits is behind no other change.
 */
const looksMax = 16;

/** Wait before the next look after one that was refused, in milliseconds. */
const lookAgainMs = 1000;

class WatchedEntry {
  readonly read: GetOperation;
  readonly watchers = new Set<OnSight>();
  /** Looks under way. */
  looks = 0;
  /** True if an operation may have changed the entry behind the latest look. */
  isBehind = false;
  /** The earliest expiry that a sight has told of, and no look has followed yet. */
  expiry: Deadline<WatchedEntry> | undefined;

  constructor({ namespace, key }: EntryName) {
    this.read = { op: 'get', namespace, key };
  }
}

/** Narrows the answer to a read; any other kind is a bug. */
export function sightOf(answer: ShardResult): Sight {
  const { kind } = answer;
  if (kind === 'entry' || kind === 'missing' || kind === 'refused') return answer;
  throw new Error(`a read was answered by a ${kind}`);
}

export class KeyWatches {
  readonly #queueLook: Look;
  /** By namespace, then by key. Holds no empty map. */
  readonly #entries = new Map<string, Map<string, WatchedEntry>>();
  readonly #expiries = new DeadlineQueue<WatchedEntry>();
  /** Entries whose last look was refused. */
  readonly #unseen = new Set<WatchedEntry>();
  #unseenForMs = 0;

  constructor(look: Look) {
    this.#queueLook = look;
  }

  /** True if no entry is watched. */
  get areIdle(): boolean {
    return this.#entries.size === 0;
  }

  /** Shows every change of the entry that is queued from now on, until the watch ends. */
  add(name: EntryName, onSight: OnSight): KeyWatch {
    const entry = this.#entryOf(name);
    // One function may watch twice.
    const watcher: OnSight = (sight) => onSight(sight);
    entry.watchers.add(watcher);
    return {
      show: (sight) => {
        if (!entry.watchers.has(watcher)) return;
        if (sight.kind === 'entry') this.#noteExpiry(entry, sight.expiresAt);
        watcher(sight);
      },
      end: () => {
        if (entry.watchers.delete(watcher) && entry.watchers.size === 0) this.#drop(entry);
      },
    };
  }

  /** The caller calls this once an operation that may change the entry has its place in a queue. */
  touch({ namespace, key }: EntryName): void {
    const entry = this.#entries.get(namespace)?.get(key);
    if (entry !== undefined) this.#look(entry);
  }

  /** Like `touch`, for all entries of these namespaces that the operation may change. */
  touchAll(namespaces: readonly string[], mayChange: (key: string) => boolean): void {
    for (const namespace of namespaces) {
      for (const [key, entry] of this.#entries.get(namespace) ?? []) {
        if (mayChange(key)) this.#look(entry);
      }
    }
  }

  /**
   * Looks at entries that have expired, and at those whose last look was refused.
   *
   * @param now the present timestamp
   * @param elapsedMs since the last tick
   */
  tick(now: number, elapsedMs: number): void {
    for (;;) {
      const expired = this.#expiries.takeDue(now);
      if (expired === undefined) break;
      expired.expiry = undefined;
      this.#look(expired);
    }
    if (this.#unseen.size === 0) return;
    this.#unseenForMs += elapsedMs;
    if (this.#unseenForMs < lookAgainMs) return;
    this.#unseenForMs = 0;
    const again = [...this.#unseen];
    this.#unseen.clear();
    for (const entry of again) this.#look(entry);
  }

  #look(entry: WatchedEntry): void {
    if (entry.looks === looksMax) {
      entry.isBehind = true;
      return;
    }
    entry.looks += 1;
    void this.#queueLook(entry.read).then((answer) => this.#seen(entry, sightOf(answer)));
  }

  #seen(entry: WatchedEntry, sight: Sight): void {
    entry.looks -= 1;
    if (entry.watchers.size === 0) return;
    if (sight.kind === 'refused') {
      this.#unseen.add(entry);
    } else {
      if (sight.kind === 'entry') this.#noteExpiry(entry, sight.expiresAt);
      for (const watcher of entry.watchers) watcher(sight);
    }
    if (!entry.isBehind || entry.watchers.size === 0) return;
    entry.isBehind = false;
    this.#look(entry);
  }

  /** The earliest one counts: a look at an entry that has not expired tells of its present expiry. */
  #noteExpiry(entry: WatchedEntry, expiresAt: ExpiresAt): void {
    if (expiresAt === undefined || expiresAt >= (entry.expiry?.at ?? Infinity)) return;
    if (entry.expiry !== undefined) this.#expiries.remove(entry.expiry);
    entry.expiry = this.#expiries.add(entry, expiresAt);
  }

  #entryOf(name: EntryName): WatchedEntry {
    let ofNamespace = this.#entries.get(name.namespace);
    if (ofNamespace === undefined) this.#entries.set(name.namespace, (ofNamespace = new Map()));
    let entry = ofNamespace.get(name.key);
    if (entry === undefined) ofNamespace.set(name.key, (entry = new WatchedEntry(name)));
    return entry;
  }

  #drop(entry: WatchedEntry): void {
    const { namespace, key } = entry.read;
    const ofNamespace = this.#entries.get(namespace);
    ofNamespace?.delete(key);
    if (ofNamespace?.size === 0) this.#entries.delete(namespace);
    if (entry.expiry !== undefined) this.#expiries.remove(entry.expiry);
    this.#unseen.delete(entry);
  }
}
