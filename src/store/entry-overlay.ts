// The entries of one moment, with the changes of a transaction over them. Each step of the
// transaction sees the changes of earlier steps. Must not know the meaning of a step.
import type { EntryPut, PlannedChanges } from './transaction.ts';

export class EntryOverlay<Entry> {
  readonly #placeByName = new Map<string, number>();
  readonly #entries: (Entry | undefined)[];
  readonly #changed = new Set<number>();

  /**
   * @param names of the moment, each once, each as one string
   * @param entries one a name, in the same order
   */
  constructor(names: Iterable<string>, entries: Iterable<Entry | undefined>) {
    for (const name of names) this.#placeByName.set(name, this.#placeByName.size);
    this.#entries = [...entries];
  }

  /** The index of the name among the names of the moment. */
  placeOf(name: string): number {
    const place = this.#placeByName.get(name);
    if (place === undefined) throw new Error('a step is about an entry that was not read');
    return place;
  }

  get(place: number): Entry | undefined {
    return this.#entries[place];
  }

  /** @param entry undefined if the step deletes it */
  set(place: number, entry: Entry | undefined): void {
    this.#entries[place] = entry;
    this.#changed.add(place);
  }

  changes(putOf: (entry: Entry) => EntryPut): PlannedChanges<unknown>['changes'] {
    return this.#entries.map((entry, place) => {
      if (!this.#changed.has(place)) return undefined;
      return entry === undefined ? 'delete' : putOf(entry);
    });
  }
}
