// The entries that have a deadline: those of each namespace by their deadlines, and the namespaces by
// their first ones. So a flush drops the deadlines of its namespace as a whole. Judges no expiry.
import { assert } from '../../base/assert.ts';
import type { EntryMemory } from '../../memory/entry-memory.ts';
import type { EntryNumber } from '../../memory/entry-pieces.ts';
import type { NamespaceTable } from './namespace-table.ts';
import type { NodePool } from './node-pool.ts';
import { OrderedIndex } from './ordered-index.ts';

export class Deadlines {
  readonly #nodes: NodePool;
  readonly #memory: Pick<EntryMemory, 'expiryOf'>;
  /** The namespaces that have entries with a deadline, by number. */
  readonly #namespaces = new Map<number, NamespaceTable>();
  /** The same, by the first deadline. */
  readonly #order: OrderedIndex<NamespaceTable>;

  constructor(nodes: NodePool, memory: Pick<EntryMemory, 'expiryOf'>) {
    this.#nodes = nodes;
    this.#memory = memory;
    this.#order = new OrderedIndex(nodes, (number, sought) => this.#compareFirst(number, sought));
  }

  /** The first deadline, Unix milliseconds; Infinity if no entry expires. */
  get first(): number {
    const { first } = this.#order;
    return first === undefined ? Infinity : this.#numbered(first).firstExpiryAt;
  }

  add(namespace: NamespaceTable, number: EntryNumber, expiresAt: number): void {
    namespace.deadlines ??= new OrderedIndex(this.#nodes, (one, sought) =>
      this.#compare(one, sought),
    );
    namespace.deadlines.insert(number, number);
    if (expiresAt < namespace.firstExpiryAt) this.#move(namespace, expiresAt);
  }

  /** The memory must still have the entry's deadline. */
  remove(namespace: NamespaceTable, number: EntryNumber, expiresAt: number): void {
    const { deadlines } = namespace;
    assert(deadlines !== undefined, 'a namespace has the deadlines of its entries');
    deadlines.remove(number, number);
    if (expiresAt > namespace.firstExpiryAt) return;
    const { first } = deadlines;
    const firstExpiryAt = first === undefined ? Infinity : this.#expiryOf(first);
    if (firstExpiryAt !== namespace.firstExpiryAt) this.#move(namespace, firstExpiryAt);
  }

  /** Leaves out the deadlines of a namespace, until `restore`. */
  leaveOut(namespace: NamespaceTable): void {
    const { firstExpiryAt } = namespace;
    this.#move(namespace, Infinity);
    namespace.firstExpiryAt = firstExpiryAt;
  }

  restore(namespace: NamespaceTable): void {
    const { firstExpiryAt } = namespace;
    namespace.firstExpiryAt = Infinity;
    this.#move(namespace, firstExpiryAt);
  }

  /** The namespaces with a deadline up to `until` (inclusive, Unix milliseconds), the earliest first. */
  *namespacesDue(until: number): Generator<NamespaceTable, void, void> {
    for (const number of this.#order.ascending(undefined)) {
      const namespace = this.#numbered(number);
      if (namespace.firstExpiryAt > until) return;
      yield namespace;
    }
  }

  /** The entries of one namespace with such a deadline, the earliest first. */
  *due({ deadlines }: NamespaceTable, until: number): Generator<EntryNumber, void, void> {
    if (deadlines === undefined) return;
    for (const number of deadlines.ascending(undefined)) {
      if (this.#expiryOf(number) > until) return;
      yield number;
    }
  }

  #expiryOf(number: EntryNumber): number {
    return this.#memory.expiryOf(number) ?? Infinity;
  }

  #numbered(number: number): NamespaceTable {
    const namespace = this.#namespaces.get(number);
    assert(namespace !== undefined, 'a namespace in the order is known');
    return namespace;
  }

  /** Compares by deadline; the number only makes the order total. */
  #compare(number: EntryNumber, sought: EntryNumber): number {
    return this.#expiryOf(number) - this.#expiryOf(sought) || number - sought;
  }

  /** Compares by the first deadline; the number only makes the order total. */
  #compareFirst(number: number, sought: NamespaceTable): number {
    const { firstExpiryAt } = this.#numbered(number);
    return firstExpiryAt - sought.firstExpiryAt || number - sought.number;
  }

  /** @param first the first deadline of the namespace from here on; Infinity if it has none */
  #move(namespace: NamespaceTable, first: number): void {
    const { number } = namespace;
    if (namespace.firstExpiryAt !== Infinity) {
      this.#order.remove(number, namespace);
      this.#namespaces.delete(number);
    }
    namespace.firstExpiryAt = first;
    if (first === Infinity) return;
    this.#namespaces.set(number, namespace);
    this.#order.insert(number, namespace);
  }
}
