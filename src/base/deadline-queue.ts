// Items in the order of their deadlines, as a binary heap. One timer can serve any number of items:
// its owner asks for the next deadline. Knows neither a clock nor what an item is.

/** An item in the queue. Changed by the queue alone. */
export interface Deadline<Item> {
  readonly item: Item;
  readonly at: number;
  /** The place in the heap; -1 once the item is out of the queue. */
  place: number;
}

export class DeadlineQueue<Item> {
  readonly #heap: Deadline<Item>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline; Infinity if the queue is empty. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** @returns the handle by which the item is removed */
  add(item: Item, at: number): Deadline<Item> {
    const deadline = { item, at, place: this.#heap.length };
    this.#heap.push(deadline);
    this.#rise(deadline);
    return deadline;
  }

  /** Does nothing if the item is out of the queue already. */
  remove(deadline: Deadline<Item>): void {
    const { place } = deadline;
    if (place === -1) return;
    deadline.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === deadline) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  /** Takes out the item with the earliest deadline, if that is not after `now`. */
  takeDue(now: number): Item | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.remove(first);
    return first.item;
  }

  #put(deadline: Deadline<Item>, place: number): void {
    this.#heap[place] = deadline;
    deadline.place = place;
  }

  #rise(deadline: Deadline<Item>): void {
    while (deadline.place > 0) {
      const { place } = deadline;
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.at <= deadline.at) return;
      this.#put(parent, place);
      this.#put(deadline, above);
    }
  }

  #sink(deadline: Deadline<Item>): void {
    for (;;) {
      const { place } = deadline;
      const child = this.#earlierChild(place);
      if (child === undefined || child.at >= deadline.at) return;
      this.#put(deadline, child.place);
      this.#put(child, place);
    }
  }

  #earlierChild(place: number): Deadline<Item> | undefined {
    const left = this.#heap[2 * place + 1];
    const right = this.#heap[2 * place + 2];
    if (left === undefined || right === undefined) return left;
    return right.at < left.at ? right : left;
  }
}
