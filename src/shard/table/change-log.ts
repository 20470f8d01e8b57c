// The changes of a table since its last commit, in order, so that the table can undo them. Keeps them in
// columns, so that a put leaves no object for the collector.
// Does not know how a change is made or undone.
import type { EntryNumber } from '../../memory/entry-pieces.ts';

export const changeKinds = { add: 0, replace: 1, delete: 2, flush: 3 } as const;

export type ChangeKind = (typeof changeKinds)[keyof typeof changeKinds];

/** A change as the log gives it. */
export interface Change<Namespace> {
  readonly kind: ChangeKind;
  /** The entry; of no meaning for a flush. */
  readonly number: EntryNumber;
  /** Of a replaced entry: the place that has it as it was. */
  readonly place: number;
  /** Of a deleted entry and of a flush; undefined otherwise. */
  readonly namespace: Namespace | undefined;
}

const nowhere = -1;

export class ChangeLog<Namespace> {
  #length = 0;
  // These stay as long as those of the largest batch: a log that is cleared need not grow again.
  readonly #kinds: ChangeKind[] = [];
  readonly #numbers: EntryNumber[] = [];
  readonly #places: number[] = [];
  /** By the position of their changes. */
  readonly #namespaces = new Map<number, Namespace>();

  get length(): number {
    return this.#length;
  }

  added(number: EntryNumber): void {
    this.#push(changeKinds.add, number, nowhere);
  }

  replaced(number: EntryNumber, place: number): void {
    this.#push(changeKinds.replace, number, place);
  }

  deleted(number: EntryNumber, namespace: Namespace): void {
    this.#namespaces.set(this.#length, namespace);
    this.#push(changeKinds.delete, number, nowhere);
  }

  flushed(namespace: Namespace): void {
    this.#namespaces.set(this.#length, namespace);
    this.#push(changeKinds.flush, nowhere, nowhere);
  }

  /** @param position from 0 on, below `length` */
  at(position: number): Change<Namespace> {
    return {
      kind: this.#kinds[position] as ChangeKind,
      number: this.#numbers[position] as EntryNumber,
      place: this.#places[position] as number,
      namespace: this.#namespaces.size === 0 ? undefined : this.#namespaces.get(position),
    };
  }

  clear(): void {
    this.#length = 0;
    if (this.#namespaces.size > 0) this.#namespaces.clear();
  }

  #push(kind: ChangeKind, number: EntryNumber, place: number): void {
    const position = this.#length++;
    this.#kinds[position] = kind;
    this.#numbers[position] = number;
    this.#places[position] = place;
  }
}
