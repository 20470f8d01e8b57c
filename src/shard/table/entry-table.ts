// The table: all entries of a shard in memory, by key, in key order, and by deadline. Keeps the three
// in step, and the account of their memory. Changes are there at once, and can be undone until `commit`.
// Each namespace has its own order and its own deadlines: a flush drops them as a whole, and costs the
// same whatever they hold. Knows no file. Does not judge expiry: an expired entry stays until the shard
// deletes it.
import { assert } from '../../base/assert.ts';
import {
  newEntryHash,
  randomHashKey,
  type EntryHash,
  type HashKey,
} from '../../base/entry-hash.ts';
import { EntryIndex } from '../../memory/entry-index.ts';
import { EntryMemory } from '../../memory/entry-memory.ts';
import { EntryPieces, headBytes, noEntry, type EntryNumber } from '../../memory/entry-pieces.ts';
import { NewsOfMemory, type MemoryNews } from '../../memory/memory-news.ts';
import type { KeyRange } from '../../store/listing.ts';
import type { EntryName } from '../../store/operation.ts';
import type { NamespaceFigures } from '../../store/store-status.ts';
import { changeKinds, ChangeLog, type Change } from './change-log.ts';
import { Deadlines } from './deadlines.ts';
import type { Entry, EntryHead } from './entry.ts';
import { LargestSize } from './largest-size.ts';
import { NamespaceTable } from './namespace-table.ts';
import { NodePool } from './node-pool.ts';
import { OrderedIndex } from './ordered-index.ts';
import { deadlinesOverheadBytes, entryTableBytes, ownBytesOf } from './table-bytes.ts';

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export class EntryTable {
  readonly #hashKey: HashKey;
  readonly #hashOf: EntryHash;
  readonly #pieces = new EntryPieces();
  readonly #news = new NewsOfMemory();
  readonly #memory = new EntryMemory(this.#pieces, this.#news);
  readonly #index = new EntryIndex(this.#pieces, this.#news);
  readonly #nodes = new NodePool();
  readonly #namespaces = new Map<string, NamespaceTable>();
  readonly #byNumber = new Map<number, NamespaceTable>();
  #namespaceNumbers = 0;
  readonly #deadlines = new Deadlines(this.#nodes, this.#memory);
  /** Flushed namespaces, whose entries still take memory. */
  readonly #flushed: NamespaceTable[] = [];
  readonly #largest = new LargestSize();
  /** Namespaces whose figures may have changed since they were last taken. */
  #touched: NamespaceTable[] = [];
  #entries = 0;
  #bytes = 0;
  #usedBytes = 0;
  readonly #changes = new ChangeLog<NamespaceTable>();
  /** The entry that was looked for last, because a change often follows: its name, hash and number. */
  #soughtIn: NamespaceTable | undefined;
  #soughtKey = '';
  #soughtHash = 0;
  #soughtNumber = noEntry;

  /** @param hashKey the secret of the hash: random, or the same each time in a simulation */
  constructor(hashKey = randomHashKey()) {
    this.#hashKey = hashKey;
    this.#hashOf = newEntryHash(hashKey);
    this.#beginNews();
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of keys and values, summed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The memory of the whole table, at most, in bytes. Some of it is off V8's heap. */
  get memoryBytes(): number {
    return this.#usedBytes + this.#memory.freeBytes + this.#nodes.freeBytes;
  }

  /** An upper bound for the size of any value together with its key, in bytes. */
  get largestBytes(): number {
    return this.#largest.bytes;
  }

  /** The first deadline, Unix milliseconds; Infinity if no entry expires. */
  get nextExpiryAt(): number {
    return this.#deadlines.first;
  }

  /** True if flushed entries still take memory: `reclaim` gives it back. */
  get hasFlushed(): boolean {
    return this.#flushed.length > 0;
  }

  get(namespace: string, key: string): Entry | undefined {
    const number = this.#numberOf(namespace, key);
    return number === noEntry ? undefined : this.#entryOf(namespace, key, number);
  }

  /** Like `get`, without the value. */
  head(namespace: string, key: string): EntryHead | undefined {
    const number = this.#numberOf(namespace, key);
    return number === noEntry ? undefined : this.headOf(number);
  }

  headOf(number: EntryNumber): EntryHead {
    const memory = this.#memory;
    return {
      version: memory.versionOf(number),
      expiresAt: memory.expiryOf(number),
      size: memory.sizeOf(number),
    };
  }

  keyOf(number: EntryNumber): string {
    return this.#memory.keyOf(number);
  }

  valueOf(number: EntryNumber): string {
    return this.#memory.valueOf(number);
  }

  /** Compares the entry's key with this one by bytes: below 0 if it is less, 0 if it is the same. */
  compareKey(number: EntryNumber, key: string): number {
    return this.#memory.compareKey(number, key);
  }

  has(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  set({ namespace, key, value, version, expiresAt }: Entry): void {
    const table = this.#tableOf(namespace);
    const number = this.#find(table, key);
    if (number === noEntry) {
      const added = this.#memory.add(table.number, key, value, version, expiresAt);
      this.#addName(table, key, added);
      this.#count(table, added, key.length, value.length, expiresAt);
      this.#changes.added(added);
      return;
    }
    this.#uncount(table, number);
    const place = this.#memory.replace(number, table.number, key, value, version, expiresAt);
    this.#count(table, number, key.length, value.length, expiresAt);
    this.#changes.replaced(number, place);
  }

  delete(namespace: string, key: string): void {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    const number = this.#find(table, key);
    if (number === noEntry) return;
    this.#removeName(table, key, number);
    this.#changes.deleted(number, table);
  }

  /** Deletes all entries of a namespace, without a look at any of them. */
  flush(namespace: string): void {
    const table = this.#namespaces.get(namespace);
    if (table === undefined) return;
    this.#touch(table);
    this.#deadlines.leaveOut(table);
    this.#drop(table);
    this.#entries -= table.order.size;
    this.#bytes -= table.bytes;
    assert(this.#entries >= 0 && this.#bytes >= 0, 'a table deletes only what it has counted');
    this.#largest.removeAll(table.largest);
    this.#changes.flushed(table);
  }

  /** Makes the changes final, and frees what they replaced. */
  commit(): void {
    this.#memory.reuseReleased();
    this.#index.reuseReleased();
    for (let position = 0; position < this.#changes.length; position++) {
      const { kind, number, place, namespace } = this.#changes.at(position);
      if (kind === changeKinds.replace) this.#memory.free(place);
      else if (kind === changeKinds.delete) this.#memory.remove(number);
      else if (namespace !== undefined) this.#flushed.push(namespace);
    }
    this.#forgetChanges();
    this.#memory.clean();
  }

  /** Undoes all changes since the last commit. */
  rollback(): void {
    for (let left = this.#changes.length; left > 0; left--) this.#undo(this.#changes.at(left - 1));
    this.#forgetChanges();
  }

  /** The news for a reader in another thread since the last call; undefined if there are none. */
  takeNews(): MemoryNews | undefined {
    return this.#news.take();
  }

  /** Gives back the memory of so many flushed entries, and a few more. */
  reclaim(entriesMax: number): void {
    let left = entriesMax;
    for (;;) {
      const table = this.#flushed.at(-1);
      if (table === undefined || left <= 0) return;
      const before = table.order.size;
      if (table.order.removeFirstLeaf((number) => this.#reclaimOne(table, number))) {
        left -= before - table.order.size;
        continue;
      }
      while (table.deadlines?.removeFirstLeaf(doNothing) === true);
      this.#usedBytes -= ownBytesOf(table);
      this.#flushed.pop();
      this.#clearIfEmpty();
    }
  }

  /** Names of all namespaces that have entries, sorted by bytes. */
  namespaces(): string[] {
    return [...this.#namespaces.keys()].toSorted(compareTexts);
  }

  count(namespace: string): number {
    return this.#namespaces.get(namespace)?.order.size ?? 0;
  }

  /** Counts the entries in the range, without a look at each of them. */
  countIn(namespace: string, { low, high }: KeyRange): number {
    const order = this.#namespaces.get(namespace)?.order;
    return order === undefined || low >= high
      ? 0
      : order.countBefore(high) - order.countBefore(low);
  }

  /** The figures of the namespaces that have changed since the last call, and perhaps of others. */
  takeTouched(): NamespaceFigures[] {
    const touched = this.#touched;
    if (touched.length === 0) return [];
    this.#touched = [];
    return touched.map((table) => {
      table.isTouched = false;
      return this.figuresOf(table.name);
    });
  }

  figuresOf(namespace: string): NamespaceFigures {
    const table = this.#namespaces.get(namespace);
    return { namespace, keys: table?.order.size ?? 0, bytes: table?.bytes ?? 0 };
  }

  /**
   * Entries with a deadline up to `until` (inclusive, Unix milliseconds): one namespace after the
   * other, the one with the earliest deadline first. The table must not change meanwhile.
   */
  *dueBy(until: number): Generator<EntryName, void, void> {
    for (const table of this.#deadlines.namespacesDue(until)) {
      for (const key of this.#keysDue(table, until)) yield { namespace: table.name, key };
    }
  }

  /** Keys of such entries in one namespace, that with the earliest deadline first. */
  *dueIn(namespace: string, until: number): Generator<string, void, void> {
    const table = this.#namespaces.get(namespace);
    if (table !== undefined) yield* this.#keysDue(table, until);
  }

  *#keysDue(table: NamespaceTable, until: number): Generator<string, void, void> {
    for (const number of this.#deadlines.due(table, until)) yield this.#memory.keyOf(number);
  }

  /** Entries from key `from` (inclusive) upwards. The table must not change meanwhile. */
  *ascending(namespace: string, from: string): Generator<EntryNumber, void, void> {
    const order = this.#namespaces.get(namespace)?.order;
    if (order !== undefined) yield* order.ascending(from);
  }

  /** Entries from key `below` (exclusive) downwards. */
  *descending(namespace: string, below: string): Generator<EntryNumber, void, void> {
    const order = this.#namespaces.get(namespace)?.order;
    if (order !== undefined) yield* order.descending(below);
  }

  /** All entries of a namespace, in key order. The table must not change meanwhile. */
  *entriesOf(namespace: string): Generator<Entry, void, void> {
    for (const number of this.ascending(namespace, '')) {
      yield this.#entryOf(namespace, this.#memory.keyOf(number), number);
    }
  }

  #entryOf(namespace: string, key: string, number: EntryNumber): Entry {
    const memory = this.#memory;
    const [version, expiresAt] = [memory.versionOf(number), memory.expiryOf(number)];
    return { namespace, key, value: memory.valueOf(number), version, expiresAt };
  }

  #numberOf(namespace: string, key: string): number {
    const table = this.#namespaces.get(namespace);
    return table === undefined ? noEntry : this.#find(table, key);
  }

  #find(table: NamespaceTable, key: string): number {
    if (this.#soughtIn === table && this.#soughtKey === key) return this.#soughtNumber;
    this.#soughtHash = this.#hashOf(table.number, key);
    this.#soughtNumber = this.#pieces.find(this.#soughtHash, table.number, key);
    this.#soughtIn = table;
    this.#soughtKey = key;
    return this.#soughtNumber;
  }

  #hashOfName(table: NamespaceTable, key: string): number {
    if (this.#soughtIn === table && this.#soughtKey === key) return this.#soughtHash;
    return this.#hashOf(table.number, key);
  }

  #tableNumbered(number: number): NamespaceTable {
    const table = this.#byNumber.get(number);
    assert(table !== undefined, 'a namespace with a deadline has entries');
    return table;
  }

  /** Gives an entry its name, and its place in the order of keys. */
  #addName(table: NamespaceTable, key: string, number: EntryNumber): void {
    this.#index.add(this.#hashOfName(table, key), number);
    this.#soughtIn = undefined;
    table.order.insert(number, key);
    this.#entries += 1;
  }

  #removeName(table: NamespaceTable, key: string, number: EntryNumber): void {
    this.#uncount(table, number);
    table.order.remove(number, key);
    this.#index.remove(this.#hashOfName(table, key), number);
    this.#soughtIn = undefined;
    this.#entries -= 1;
    assert(this.#entries >= 0 && this.#bytes >= 0, 'a table deletes only what it has counted');
    if (table.order.size > 0) return;
    this.#drop(table);
    this.#usedBytes -= ownBytesOf(table);
  }

  /** Adds an entry to the sums and the deadlines. */
  #count(
    table: NamespaceTable,
    number: EntryNumber,
    keyBytes: number,
    valueBytes: number,
    expiresAt: number | undefined,
  ): void {
    this.#touch(table);
    table.bytes += keyBytes + valueBytes;
    this.#bytes += keyBytes + valueBytes;
    this.#usedBytes += entryTableBytes(keyBytes, valueBytes, expiresAt);
    table.largest.add(valueBytes);
    this.#largest.add(valueBytes);
    if (expiresAt === undefined) return;
    if (table.deadlines === undefined) this.#usedBytes += deadlinesOverheadBytes;
    this.#deadlines.add(table, number, expiresAt);
  }

  /** Adds an entry again, as the memory has it. */
  #countAgain(table: NamespaceTable, number: EntryNumber): void {
    const memory = this.#memory;
    const [keyBytes, valueBytes] = [memory.keyLengthOf(number), memory.sizeOf(number)];
    this.#count(table, number, keyBytes, valueBytes, memory.expiryOf(number));
  }

  /** Takes an entry out of the sums and the deadlines. */
  #uncount(table: NamespaceTable, number: EntryNumber): void {
    const size = this.#memory.sizeOf(number);
    const bytes = this.#memory.keyLengthOf(number) + size;
    this.#touch(table);
    table.bytes -= bytes;
    this.#bytes -= bytes;
    this.#usedBytes -= this.#bytesOf(number);
    table.largest.remove(size);
    this.#largest.remove(size);
    const expiresAt = this.#memory.expiryOf(number);
    if (expiresAt !== undefined) this.#deadlines.remove(table, number, expiresAt);
  }

  #undo({ kind, number, place, namespace }: Change<NamespaceTable>): void {
    if (kind === changeKinds.flush) {
      assert(namespace !== undefined, 'a flush has a namespace');
      this.#undoFlush(namespace);
      return;
    }
    if (kind === changeKinds.delete) {
      assert(namespace !== undefined, 'a deleted entry has a namespace');
      if (namespace.order.size === 0) this.#register(namespace);
      this.#addName(namespace, this.#memory.keyOf(number), number);
      this.#countAgain(namespace, number);
      return;
    }
    const table = this.#tableNumbered(this.#memory.namespaceOf(number));
    if (kind === changeKinds.add) {
      this.#removeName(table, this.#memory.keyOf(number), number);
      this.#memory.remove(number);
      return;
    }
    this.#uncount(table, number);
    this.#memory.takeBack(number, place);
    this.#countAgain(table, number);
  }

  #touch(table: NamespaceTable): void {
    if (table.isTouched) return;
    table.isTouched = true;
    this.#touched.push(table);
  }

  #undoFlush(table: NamespaceTable): void {
    this.#touch(table);
    this.#addToNamespaces(table);
    this.#entries += table.order.size;
    this.#bytes += table.bytes;
    this.#largest.addAll(table.largest);
    this.#deadlines.restore(table);
  }

  #forgetChanges(): void {
    this.#changes.clear();
    this.#soughtIn = undefined;
    this.#clearIfEmpty();
  }

  #reclaimOne(table: NamespaceTable, number: EntryNumber): void {
    this.#usedBytes -= this.#bytesOf(number);
    this.#index.remove(this.#hashOf(table.number, this.#memory.keyOf(number)), number);
    this.#memory.remove(number);
  }

  #bytesOf(number: EntryNumber): number {
    const memory = this.#memory;
    const [keyBytes, valueBytes] = [memory.keyLengthOf(number), memory.sizeOf(number)];
    return entryTableBytes(keyBytes, valueBytes, memory.expiryOf(number));
  }

  #drop({ name, number }: NamespaceTable): void {
    this.#soughtIn = undefined;
    this.#news.namespace(name, undefined);
    this.#namespaces.delete(name);
    this.#byNumber.delete(number);
  }

  /** Empties the memory at once if no entry is left but flushed ones. */
  #clearIfEmpty(): void {
    if (this.#entries > 0 || this.#changes.length > 0) return;
    this.#flushed.length = 0;
    this.#usedBytes = 0;
    this.#memory.clear();
    this.#index.clear();
    this.#nodes.clear();
    this.#beginNews();
  }

  #tableOf(namespace: string): NamespaceTable {
    const existing = this.#namespaces.get(namespace);
    if (existing !== undefined) return existing;
    const order = new OrderedIndex<string>(this.#nodes, (number, key) =>
      this.#memory.compareKey(number, key),
    );
    const table = new NamespaceTable(namespace, this.#namespaceNumbers, order);
    // A number stands in 32 bits of each entry.
    this.#namespaceNumbers = (this.#namespaceNumbers + 1) | 0;
    this.#register(table);
    return table;
  }

  /** The reader forgets all memory so far. If it still looks there, it finds entries as they were. */
  #beginNews(): void {
    const head = new SharedArrayBuffer(headBytes);
    this.#pieces.head = new Int32Array(head);
    this.#news.begin(head, this.#hashKey);
  }

  #addToNamespaces(table: NamespaceTable): void {
    this.#namespaces.set(table.name, table);
    this.#byNumber.set(table.number, table);
    this.#news.namespace(table.name, table.number);
  }

  #register(table: NamespaceTable): void {
    this.#addToNamespaces(table);
    this.#usedBytes += ownBytesOf(table);
  }
}

function doNothing(): void {}
