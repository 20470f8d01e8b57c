// Names in their order, for listings by pages. Adding one moves the names behind it, which is cheap
// for the numbers that the store allows.

export class SortedNames {
  readonly #names: string[] = [];

  add(name: string): void {
    const place = this.#placeOf(name);
    if (this.#names[place] !== name) this.#names.splice(place, 0, name);
  }

  delete(name: string): void {
    const place = this.#placeOf(name);
    if (this.#names[place] === name) this.#names.splice(place, 1);
  }

  /**
   * @param after continue behind this name
   * @returns at most `limit` names
   */
  page(after: string | undefined, limit: number): readonly string[] {
    let start = 0;
    if (after !== undefined) {
      start = this.#placeOf(after);
      if (this.#names[start] === after) start += 1;
    }
    return this.#names.slice(start, start + limit);
  }

  /** The place of the first name that is not below this one. */
  #placeOf(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
