// The entries of one moment, with the changes of a transaction over them. Each step of the
// transaction sees the changes of earlier steps. Must not know the meaning of a step.
import type { EntryPut, PlannedChanges } from './transaction.ts';

export class EntryOverlay<Entry> {
  readonly #indexByName = new Map<string, number>();
  readonly #entries: (Entry | undefined)[];
  readonly #changed = new Set<number>();

  /**
   * @param names of the moment, each once, each as one string
   * @param entries one a name, in the same order
   */
  constructor(names: Iterable<string>, entries: Iterable<Entry | undefined>) {
    for (const name of names) this.#indexByName.set(name, this.#indexByName.size);
    this.#entries = [...entries];
  }

  /** The index of the name among the names of the moment. */
  indexOf(name: string): number {
    const index = this.#indexByName.get(name);
    if (index === undefined) throw new Error('a step is about an entry that was not read');
    return index;
  }

  get(index: number): Entry | undefined {
    return this.#entries[index];
  }

  /** @param entry undefined if the step deletes it */
  set(index: number, entry: Entry | undefined): void {
    this.#entries[index] = entry;
    this.#changed.add(index);
  }

  changes(putOf: (entry: Entry) => EntryPut): PlannedChanges<unknown>['changes'] {
    return this.#entries.map((entry, index) => {
      if (!this.#changed.has(index)) return undefined;
      return entry === undefined ? 'delete' : putOf(entry);
    });
  }
}
