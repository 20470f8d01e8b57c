// All entries of a shard: by key, in key order, and by deadline. What they are made of is this
// file's own matter. It judges no expiry: an expired entry is there until it is deleted.
import sortedBtree from 'sorted-btree';
import type { Entry } from './entry.ts';

// Under ESM the class is a property of the default export.
const BTree = sortedBtree.default;
type BTree<Key, Value> = InstanceType<typeof BTree<Key, Value>>;

interface NamespaceTable {
  readonly byKey: Map<string, Entry>;
  readonly order: BTree<string, undefined>;
  /** Keys and values, summed. */
  bytes: number;
  /** Entries that have one. */
  deadlines: number;
}

/** What an entry takes beside its characters: object, strings' heads, slots in map and trees. */
const entryOverheadBytes = 220;

/** About what one entry takes of the heap. */
export function entryHeapBytes(key: { length: number }, value: { length: number }): number {
  return key.length + value.length + entryOverheadBytes;
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By deadline; what follows only makes the order total. */
function compareDeadlines(a: Entry, b: Entry): number {
  return (
    (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity) ||
    compareBytes(a.key, b.key) ||
    compareBytes(a.namespace, b.namespace)
  );
}

export class EntryTable {
  readonly #namespaces = new Map<string, NamespaceTable>();
  readonly #deadlines: BTree<Entry, undefined> = new BTree(undefined, compareDeadlines);
  #entries = 0;
  #bytes = 0;

  get entries(): number {
    return this.#entries;
  }

  /** Keys and values, summed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** About what it all takes of the heap, in bytes. */
  get heapBytes(): number {
    return this.#bytes + this.#entries * entryOverheadBytes;
  }

  /** The first deadline, Unix milliseconds; Infinity where no entry expires. */
  get nextExpiryAt(): number {
    return this.#deadlines.minKey()?.expiresAt ?? Infinity;
  }

  get(namespace: string, key: string): Entry | undefined {
    return this.#namespaces.get(namespace)?.byKey.get(key);
  }

  set(entry: Entry): void {
    const table = this.#tableOf(entry.namespace);
    const old = table.byKey.get(entry.key);
    if (old === undefined) {
      table.order.set(entry.key, undefined);
      this.#entries += 1;
    } else {
      this.#forget(table, old);
    }
    table.byKey.set(entry.key, entry);
    const bytes = entry.key.length + entry.value.length;
    table.bytes += bytes;
    this.#bytes += bytes;
    if (entry.expiresAt === undefined) return;
    table.deadlines += 1;
    this.#deadlines.set(entry, undefined);
  }

  delete(namespace: string, key: string): void {
    const table = this.#namespaces.get(namespace);
    const old = table?.byKey.get(key);
    if (table === undefined || old === undefined) return;
    table.byKey.delete(key);
    table.order.delete(key);
    this.#entries -= 1;
    this.#forget(table, old);
    if (table.byKey.size === 0) this.#namespaces.delete(namespace);
  }

  /** Deletes all entries of a namespace. */
  flush(namespace: string): void {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    this.#namespaces.delete(namespace);
    this.#entries -= table.byKey.size;
    this.#bytes -= table.bytes;
    // Others' requests wait meanwhile: whichever is less work.
    if (table.deadlines * 2 > this.#deadlines.size) {
      const kept = [...this.#deadlines.keys()].filter((entry) => entry.namespace !== namespace);
      this.#deadlines.clear();
      for (const entry of kept) this.#deadlines.set(entry, undefined);
    } else if (table.deadlines > 0) {
      for (const entry of table.byKey.values()) {
        if (entry.expiresAt !== undefined) this.#deadlines.delete(entry);
      }
    }
  }

  /** In order. */
  namespaces(): string[] {
    return [...this.#namespaces.keys()].toSorted(compareBytes);
  }

  count(namespace: string): number {
    return this.#namespaces.get(namespace)?.byKey.size ?? 0;
  }

  /** Entries with a deadline up to `until`, earliest first. */
  *dueBy(until: number): Generator<Entry, void, void> {
    for (const entry of this.#deadlines.keys()) {
      if (entry.expiresAt === undefined || entry.expiresAt > until) return;
      yield entry;
    }
  }

  /** Keys from `from` (inclusive) upwards. The table must not change meanwhile. */
  *ascending(namespace: string, from: string): Generator<Entry, void, void> {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    for (const key of table.order.keys(from)) {
      const entry = table.byKey.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  /** Keys below `below` (exclusive) downwards. */
  *descending(namespace: string, below: string): Generator<Entry, void, void> {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    for (const [key] of table.order.entriesReversed(below, undefined, true)) {
      const entry = table.byKey.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  #forget(table: NamespaceTable, old: Entry): void {
    const bytes = old.key.length + old.value.length;
    table.bytes -= bytes;
    this.#bytes -= bytes;
    if (old.expiresAt === undefined) return;
    table.deadlines -= 1;
    this.#deadlines.delete(old);
  }

  #tableOf(namespace: string): NamespaceTable {
    const existing = this.#namespaces.get(namespace);
    if (existing !== undefined) return existing;
    const table: NamespaceTable = {
      byKey: new Map(),
      order: new BTree(undefined, compareBytes),
      bytes: 0,
      deadlines: 0,
    };
    this.#namespaces.set(namespace, table);
    return table;
  }
}
