// One value as clients of the simulation may know it. While a change is in flight, or after an
// unknown outcome, several values are possible. Remembers which were possible at which position.

/** Counts the moments at which the possible values of any value change. */
export class Positions {
  #now = 0;

  get now(): number {
    return this.#now;
  }

  next(): number {
    this.#now += 1;
    return this.#now;
  }
}

/** The value after a change, by the value before it. */
export type Step = (value: string) => string;

/** A change on its way. One that gets no answer, or an unknown one, may still happen. */
export interface SentStep {
  applied(): void;
  notApplied(): void;
}

interface OpenStep {
  readonly step: Step;
  /** The possible values when the change was sent. */
  readonly before: ReadonlySet<string>;
  /** True if another change was on its way meanwhile: their order is unknown. */
  isOverlapped: boolean;
}

interface Segment {
  readonly from: number;
  readonly values: ReadonlySet<string>;
}

export class UncertainValue {
  readonly #positions: Positions;
  readonly #segments: Segment[] = [];
  readonly #open = new Set<OpenStep>();
  /** All values that were possible at some time since the last change that is surely synced. */
  #sinceSynced = new Set<string>();

  constructor(positions: Positions, value: string) {
    this.#positions = positions;
    this.#segments.push({ from: positions.now, values: new Set([value]) });
    this.#sinceSynced.add(value);
  }

  get possible(): ReadonlySet<string> {
    return this.possibleAt(this.#positions.now);
  }

  possibleAt(position: number): ReadonlySet<string> {
    const segment = this.#segments.findLast(({ from }) => from <= position) ?? this.#segments[0];
    if (segment === undefined) throw new Error('a value has a first segment');
    return segment.values;
  }

  /** @param isSynced true if the change is on stable storage once it is answered */
  send(step: Step, isSynced: boolean): SentStep {
    const open: OpenStep = { step, before: this.possible, isOverlapped: this.#open.size > 0 };
    for (const other of this.#open) other.isOverlapped = true;
    this.#open.add(open);
    this.#set(this.#closureOf(this.possible));
    return {
      applied: () => {
        if (!this.#open.delete(open) || open.isOverlapped) return;
        this.#set(new Set([...open.before].map(step)));
        if (isSynced) this.#sinceSynced = new Set(this.possible);
      },
      notApplied: () => {
        if (this.#open.delete(open) && !open.isOverlapped) this.#set(open.before);
      },
    };
  }

  /** A power cut may have taken all that was not synced. */
  lose(): void {
    this.#set(new Set(this.#sinceSynced));
  }

  /**
   * No change is on its way any more, and the store has this value.
   *
   * @returns false if the value is not possible
   */
  resolve(value: string): boolean {
    const isPossible = this.possible.has(value);
    this.#open.clear();
    this.#set(new Set([value]));
    return isPossible;
  }

  #set(values: ReadonlySet<string>): void {
    for (const value of values) this.#sinceSynced.add(value);
    this.#segments.push({ from: this.#positions.next(), values });
  }

  /** All values that the open changes can lead to, in any order. */
  #closureOf(values: ReadonlySet<string>): ReadonlySet<string> {
    const reached = new Set(values);
    for (const value of reached) {
      for (const { step } of this.#open) reached.add(step(value));
    }
    return reached;
  }
}
