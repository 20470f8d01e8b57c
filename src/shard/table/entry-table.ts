// The table: all entries of a shard in memory, by key, in key order, and by deadline. Owns the data
// structures and the estimate of their heap use. Each namespace has its own structures: a flush
// drops them as a whole, and costs the same whatever they hold. Knows no file. Does not judge
// expiry: an expired entry stays until the shard deletes it.
import { createRequire } from 'node:module';
import type sortedBtree from 'sorted-btree';
import { assert } from '../../base/assert.ts';
import type { KeyRange } from '../../store/listing.ts';
import type { NamespaceFigures } from '../../store/store-status.ts';
import type { Entry } from './entry.ts';
import { LargestSize } from './largest-size.ts';

// By `import`, Node would first search the package's long text for its exports, in every thread.
const require = createRequire(import.meta.url);
const { default: BTree } = require('sorted-btree') as typeof sortedBtree;
type BTree<Key, Value> = InstanceType<typeof BTree<Key, Value>>;

interface NamespaceTable {
  readonly name: string;
  readonly byKey: Map<string, Entry>;
  readonly order: BTree<string, undefined>;
  /** The entries that have a deadline; undefined if none ever had one. */
  deadlines: BTree<Entry, undefined> | undefined;
  /** The first deadline, Unix milliseconds; Infinity if no entry expires. */
  firstExpiryAt: number;
  /** Bytes of keys and values, summed. */
  bytes: number;
  readonly largest: LargestSize;
}

// Measured sizes are somewhat smaller; test/shard/table/entry-table.test.ts compares these with V8's.
/** An entry without its characters: object, string headers, slots in map and tree. */
const entryOverheadBytes = 240;
/** A deadline, with its slot in a tree. */
const deadlineOverheadBytes = 64;
/** A namespace: a map and a tree that hold one entry. */
const namespaceOverheadBytes = 1024;

/** The heap use of one entry, at most, in bytes. */
export function entryHeapBytes(
  key: { length: number },
  value: { length: number },
  expiresAt: number | undefined,
): number {
  const overhead = entryOverheadBytes + (expiresAt === undefined ? 0 : deadlineOverheadBytes);
  return key.length + value.length + overhead;
}

/** The heap use that a namespace's first entry adds to its own, at most, in bytes. */
export function namespaceHeapBytes(name: { length: number }): number {
  return namespaceOverheadBytes + name.length;
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares by deadline; the key only makes the order total. */
function compareDeadlines(a: Entry, b: Entry): number {
  return (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity) || compareBytes(a.key, b.key);
}

/** Compares by the first deadline; the name only makes the order total. */
function compareFirstDeadlines(a: NamespaceTable, b: NamespaceTable): number {
  return a.firstExpiryAt - b.firstExpiryAt || compareBytes(a.name, b.name);
}

export class EntryTable {
  readonly #namespaces = new Map<string, NamespaceTable>();
  /** The namespaces that have entries with a deadline. */
  readonly #byDeadline: BTree<NamespaceTable, undefined> = new BTree(
    undefined,
    compareFirstDeadlines,
  );
  readonly #largest = new LargestSize();
  #entries = 0;
  #bytes = 0;
  #deadlines = 0;
  #namespaceBytes = 0;

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of keys and values, summed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The heap use of the whole table, at most, in bytes. */
  get heapBytes(): number {
    return (
      this.#bytes +
      this.#namespaceBytes +
      this.#entries * entryOverheadBytes +
      this.#deadlines * deadlineOverheadBytes
    );
  }

  /** An upper bound for the size of any value together with its key, in bytes. */
  get largestBytes(): number {
    return this.#largest.bytes;
  }

  /** The first deadline, Unix milliseconds; Infinity if no entry expires. */
  get nextExpiryAt(): number {
    return this.#byDeadline.minKey()?.firstExpiryAt ?? Infinity;
  }

  get(namespace: string, key: string): Entry | undefined {
    return this.#namespaces.get(namespace)?.byKey.get(key);
  }

  has(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  /** Puts an entry. The table owns the object from here on, and may change its strings. */
  set(entry: Entry): void {
    const table = this.#tableOf(entry.namespace);
    const old = table.byKey.get(entry.key);
    // Map and tree keep the strings that came first. Share them, or equal copies stay in memory.
    const named: { namespace: string; key: string } = entry;
    named.namespace = table.name;
    if (old !== undefined) named.key = old.key;
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
    table.largest.add(entry.value.length);
    this.#largest.add(entry.value.length);
    if (entry.expiresAt === undefined) return;
    table.deadlines ??= new BTree(undefined, compareDeadlines);
    table.deadlines.set(entry, undefined);
    this.#deadlines += 1;
    if (entry.expiresAt < table.firstExpiryAt) this.#orderByDeadline(table, entry.expiresAt);
  }

  delete(namespace: string, key: string): void {
    const table = this.#namespaces.get(namespace);
    const old = table?.byKey.get(key);
    if (table === undefined || old === undefined) return;
    table.byKey.delete(key);
    table.order.delete(key);
    this.#entries -= 1;
    this.#forget(table, old);
    assert(this.#entries >= 0 && this.#bytes >= 0, 'a table deletes only what it has counted');
    if (table.byKey.size === 0) this.#drop(table);
  }

  /** Deletes all entries of a namespace, without a look at any of them. */
  flush(namespace: string): void {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    this.#drop(table);
    this.#entries -= table.byKey.size;
    this.#bytes -= table.bytes;
    assert(this.#entries >= 0 && this.#bytes >= 0, 'a table deletes only what it has counted');
    this.#largest.removeAll(table.largest);
    this.#deadlines -= table.deadlines?.size ?? 0;
    this.#orderByDeadline(table, Infinity);
  }

  /** Names of all namespaces that have entries, sorted by bytes. */
  namespaces(): string[] {
    return [...this.#namespaces.keys()].toSorted(compareBytes);
  }

  count(namespace: string): number {
    return this.#namespaces.get(namespace)?.byKey.size ?? 0;
  }

  /** Counts the entries in the range. Looks at the nodes of the tree, and not at each key. */
  countIn(namespace: string, { low, high }: KeyRange): number {
    const table = this.#namespaces.get(namespace);
    return table === undefined || low >= high ? 0 : table.order.forRange(low, high, false);
  }

  figuresOf(namespace: string): NamespaceFigures {
    const table = this.#namespaces.get(namespace);
    return { namespace, keys: table?.byKey.size ?? 0, bytes: table?.bytes ?? 0 };
  }

  /**
   * Entries with a deadline up to `until` (inclusive, Unix milliseconds): one namespace after the
   * other, the one with the earliest deadline first. The table must not change meanwhile.
   */
  *dueBy(until: number): Generator<Entry, void, void> {
    for (const { name, firstExpiryAt } of this.#byDeadline.keys()) {
      if (firstExpiryAt > until) return;
      yield* this.dueIn(name, until);
    }
  }

  /** Like `dueBy`, in one namespace, earliest first. */
  *dueIn(namespace: string, until: number): Generator<Entry, void, void> {
    for (const entry of this.#namespaces.get(namespace)?.deadlines?.keys() ?? []) {
      if (entry.expiresAt === undefined || entry.expiresAt > until) return;
      yield entry;
    }
  }

  /** Entries from key `from` (inclusive) upwards. The table must not change meanwhile. */
  *ascending(namespace: string, from: string): Generator<Entry, void, void> {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    for (const key of table.order.keys(from)) {
      const entry = table.byKey.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  /** Entries from key `below` (exclusive) downwards. */
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
    table.largest.remove(old.value.length);
    this.#largest.remove(old.value.length);
    if (old.expiresAt === undefined || table.deadlines === undefined) return;
    table.deadlines.delete(old);
    this.#deadlines -= 1;
    if (old.expiresAt > table.firstExpiryAt) return;
    const first = table.deadlines.minKey()?.expiresAt ?? Infinity;
    if (first !== table.firstExpiryAt) this.#orderByDeadline(table, first);
  }

  /** @param first the first deadline of the namespace from here on; Infinity if it has none */
  #orderByDeadline(table: NamespaceTable, first: number): void {
    if (table.firstExpiryAt !== Infinity) this.#byDeadline.delete(table);
    table.firstExpiryAt = first;
    if (first !== Infinity) this.#byDeadline.set(table, undefined);
  }

  #drop({ name }: NamespaceTable): void {
    this.#namespaces.delete(name);
    this.#namespaceBytes -= namespaceHeapBytes(name);
  }

  #tableOf(namespace: string): NamespaceTable {
    const existing = this.#namespaces.get(namespace);
    if (existing !== undefined) return existing;
    const table: NamespaceTable = {
      name: namespace,
      byKey: new Map(),
      order: new BTree(undefined, compareBytes),
      deadlines: undefined,
      firstExpiryAt: Infinity,
      bytes: 0,
      largest: new LargestSize(),
    };
    this.#namespaces.set(namespace, table);
    this.#namespaceBytes += namespaceHeapBytes(namespace);
    return table;
  }
}
