// Searches for an order of one key's calls that the rules allow and that respects their times (Wing
// & Gong 1993). Remembers the positions that it has visited (Lowe 2017). Three rules make long
// histories cheap. A read that fits comes at once. Puts come in order of their versions. A call of
// unknown outcome comes only before a call that does not fit without it. A search in depth usually
// finds an order soon. If not, a search in breadth compares all positions with equally many calls.
// It drops those that are no better than another.
import type { KeyHistory, LooseCalls } from './key-history.ts';
import { afterAnswered, afterUnknown, emptyState, type KeyState } from './key-state.ts';
import { canDoLess, isAlive, LooseIndex } from './loose-index.ts';
import type { RecordedCall } from './recorded-call.ts';

export interface SearchResult {
  readonly isFound: boolean;
  /** Some of the states after the most calls that an order can have. */
  readonly states: readonly KeyState[];
  /** If there is no order: answers before this position do not prevent one. */
  readonly until: number;
}

/** The number of used calls in each group. */
type Used = ReadonlyMap<LooseCalls, number>;

/** A partial order: a set of calls that have their place. */
interface Position {
  readonly state: KeyState;
  readonly used: Used;
  /** All calls before this index have their place. */
  readonly first: number;
  /** Indexes after `first` of calls that have their place, ascending. */
  readonly beyond: readonly number[];
  /** The number of puts that have their place. */
  readonly puts: number;
}

/** The most calls of unknown outcome that one call may need before it: put, remove, put. */
const looseInARowMax = 3;
const statesKept = 8;
/** The search in depth may take so many steps for each call. */
const depthFactor = 4;

export class OrderSearch {
  readonly #certain: readonly RecordedCall[];
  readonly #putsInOrder: readonly number[];
  /** Value -> index of its put. */
  readonly #putOf = new Map<string, number>();
  readonly #loose: LooseIndex;
  readonly #positionsMax: number;
  #positions = 0;
  /** Visited position -> the calls of unknown outcome used there. */
  #been = new Map<string, Used[]>();

  constructor(history: KeyHistory, positionsMax: number) {
    this.#certain = history.certain;
    this.#putsInOrder = history.putsInOrder;
    this.#loose = new LooseIndex(history.loose);
    this.#positionsMax = positionsMax;
    for (const place of history.putsInOrder) {
      const { call } = this.#call(place);
      if (call.op === 'put') this.#putOf.set(call.value, place);
    }
  }

  /** @throws Error if the search takes more than `positionsMax` positions */
  search(): SearchResult {
    const end = this.#endInDepth();
    if (end !== undefined) return { isFound: true, states: [end.state], until: Infinity };
    return this.#searchInBreadth();
  }

  /** @returns undefined if the search does not end soon */
  #endInDepth(): Position | undefined {
    const start = this.#start();
    const path = [this.#stepsFrom(start)];
    if (this.#isEnd(start)) return start;
    for (let left = depthFactor * this.#certain.length + 100; left > 0; left--) {
      const step = path.at(-1)?.next();
      if (step === undefined) return undefined;
      if (step.done === true) {
        path.pop();
      } else if (this.#isNews(step.value)) {
        if (this.#isEnd(step.value)) return step.value;
        path.push(this.#stepsFrom(step.value));
      }
    }
    return undefined;
  }

  #searchInBreadth(): SearchResult {
    const byTaken = new Map<number, Position[]>();
    const add = (position: Position): void => {
      const taken = takenIn(position);
      const positions = byTaken.get(taken);
      if (positions === undefined) byTaken.set(taken, [position]);
      else positions.push(position);
    };
    this.#been = new Map();
    add(this.#start());
    let states: readonly KeyState[] = [];
    let until = -1;
    for (let taken = 0; taken <= this.#certain.length; taken++) {
      const positions = this.#best(byTaken.get(taken) ?? []);
      byTaken.delete(taken);
      const [some] = positions;
      if (some === undefined) continue;
      states = positions.slice(0, statesKept).map(({ state }) => state);
      if (this.#isEnd(some)) return { isFound: true, states, until: Infinity };
      for (const position of positions) {
        this.#count();
        until = Math.max(until, this.#candidates(position).before);
        for (const step of this.#stepsFrom(position)) add(step);
      }
    }
    return { isFound: false, states, until };
  }

  #count(): void {
    this.#positions += 1;
    if (this.#positions > this.#positionsMax) {
      throw new Error(`undecided after ${this.#positionsMax} positions`);
    }
  }

  /** Keeps the positions than which no other is at least as good. */
  #best(positions: readonly Position[]): Position[] {
    const best = new Map<string, Position[]>();
    for (const position of positions) {
      const key = keyOf(position);
      const others = best.get(key) ?? [];
      if (others.some((other) => isNoWorse(other, position))) continue;
      best.set(key, [...others.filter((other) => !isNoWorse(position, other)), position]);
    }
    return [...best.values()].flat();
  }

  /**
   * Marks the position as visited.
   *
   * @returns false if the search has been there before, with no more calls used up
   */
  #isNews(position: Position): boolean {
    const key = keyOf(position);
    const before = this.#been.get(key) ?? [];
    if (before.some((used) => isNoWorse({ ...position, used }, position))) return false;
    before.push(position.used);
    this.#been.set(key, before);
    return true;
  }

  #start(): Position {
    const nothing = { state: emptyState, used: new Map(), first: 0, beyond: [], puts: 0 };
    return this.#withReads(nothing);
  }

  #isEnd({ first }: Position): boolean {
    return first === this.#certain.length;
  }

  /** Takes calls that change and teach nothing as soon as they fit: a later place is never better. */
  #withReads(from: Position): Position {
    let position = from;
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const place of this.#candidates(position).places) {
        if (this.#isNotNextPut(place, position)) continue;
        if (afterAnswered(position.state, this.#call(place)) !== position.state) continue;
        if (this.#mayRemoveLater(place, position)) continue;
        position = this.#take(position, place);
        isDone = false;
      }
    }
    return position;
  }

  /** True for a call that removes nothing now, and may remove the entry of a later put. */
  #mayRemoveLater(place: number, position: Position): boolean {
    const { call, outcome } = this.#call(place);
    if (outcome.kind === 'gone') return true;
    if (call.op !== 'expire') return false;
    const put = this.#putOf.get(call.value);
    return put !== undefined && !isTaken(position, put);
  }

  /** Steps that use up no call of unknown outcome come first. */
  *#stepsFrom(position: Position): Generator<Position, void> {
    const { places, before } = this.#candidates(position);
    const next = places.filter((place) => !this.#isNotNextPut(place, position));
    const { state } = position;
    for (const place of next) {
      const after = afterAnswered(state, this.#call(place));
      if (after === undefined) continue;
      yield this.#withReads(this.#take({ ...position, state: after }, place));
    }
    for (const place of next) {
      const call = this.#call(place);
      const after = afterAnswered(state, call);
      // A deadline fits everywhere. But an entry that was replaced in time must outlive it.
      if (after === undefined || (call.call.op === 'expire' && after !== state)) {
        yield* this.#stepsBehindLoose(place, position, before, looseInARowMax);
      }
    }
  }

  *#stepsBehindLoose(
    place: number,
    position: Position,
    before: number,
    left: number,
  ): Generator<Position, void> {
    const usable = [...this.#loose.applicable(position.state)].flatMap((loose) => {
      const unknown = loose.calls[position.used.get(loose) ?? 0];
      if (unknown === undefined || unknown.invoked > before) return [];
      const changed = afterUnknown(position.state, unknown, loose.isUnseen);
      return changed === undefined ? [] : [{ loose, call: unknown.call, changed }];
    });
    for (const { loose, call, changed } of usable) {
      // Use up the call that can do less later.
      const isWaste = usable.some(
        (other) => canDoLess(other.call, call) && isSame(other.changed, changed),
      );
      if (isWaste) continue;
      const used = new Map(position.used).set(loose, (position.used.get(loose) ?? 0) + 1);
      const after = afterAnswered(changed, this.#call(place));
      if (after !== undefined) {
        yield this.#withReads(this.#take({ ...position, used, state: after }, place));
      } else if (left > 1) {
        const next = { ...position, used, state: changed };
        yield* this.#stepsBehindLoose(place, next, before, left - 1);
      }
    }
  }

  /**
   * @returns indexes of the calls that may come next, and the position before which a call must be sent
   */
  #candidates(position: Position): { places: number[]; before: number } {
    const places: number[] = [];
    let before = Infinity;
    let skipped = 0;
    for (let place = position.first; place < this.#certain.length; place++) {
      if (position.beyond[skipped] === place) {
        skipped += 1;
        continue;
      }
      const { invoked, returned } = this.#call(place);
      if (invoked > before) break;
      places.push(place);
      before = Math.min(before, returned);
    }
    return { places, before };
  }

  #isNotNextPut(place: number, { puts }: Position): boolean {
    return this.#isPut(place) && this.#putsInOrder[puts] !== place;
  }

  #isPut(place: number): boolean {
    return this.#call(place).outcome.kind === 'written';
  }

  #call(place: number): RecordedCall {
    const call = this.#certain[place];
    if (call === undefined) throw new Error(`no call at ${place}`);
    return call;
  }

  #take(position: Position, place: number): Position {
    const puts = position.puts + (this.#isPut(place) ? 1 : 0);
    if (place !== position.first) {
      const beyond = [...position.beyond, place].toSorted((a, b) => a - b);
      return { ...position, puts, beyond };
    }
    let first = place + 1;
    let reached = 0;
    while (position.beyond[reached] === first) {
      first += 1;
      reached += 1;
    }
    return { ...position, puts, first, beyond: position.beyond.slice(reached) };
  }
}

function takenIn({ first, beyond }: Position): number {
  return first + beyond.length;
}

function isTaken({ first, beyond }: Position, place: number): boolean {
  return place < first || beyond.includes(place);
}

function keyOf({ first, beyond, state: { entry, floor } }: Position): string {
  const places = beyond.map((place) => place - first).join(',');
  const held = entry === undefined ? '' : `${entry.version}=${entry.value}`;
  return `${first},${places}|${floor}|${held}`;
}

/** For two positions with the same key. True if `one` has used up no more than `other`. */
function isNoWorse(one: Position, other: Position): boolean {
  return [...one.used].every(
    ([loose, count]) => count <= (other.used.get(loose) ?? 0) || !isAlive(loose, one.state.floor),
  );
}

function isSame(a: KeyState, b: KeyState): boolean {
  return (
    a.floor === b.floor &&
    a.entry?.version === b.entry?.version &&
    a.entry?.value === b.entry?.value &&
    (a.entry === undefined) === (b.entry === undefined)
  );
}
