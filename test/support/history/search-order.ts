// Looks for one order of a key's calls that the rules allow and that keeps what was before what
// (Wing & Gong 1993), remembering where it has been (Lowe 2017). What keeps long histories short:
// a read that fits is taken at once; puts go by version; a call of unknown outcome is only put
// before one that does not fit without it.
import type { KeyHistory, LooseCalls } from './key-history.ts';
import { afterAnswered, afterUnknown, emptyState, type KeyState } from './key-state.ts';
import type { Call, RecordedCall } from './recorded-call.ts';

export interface SearchResult {
  readonly isFound: boolean;
  /** The most calls that could be put in order, and the states behind them (some of them). */
  readonly reached: number;
  readonly states: readonly KeyState[];
}

/** Calls of unknown outcome that may be needed before one call: to remove, to put, to remove. */
const looseInARowMax = 3;
const statesKept = 8;

/** How many of each were used. */
type Used = ReadonlyMap<LooseCalls, number>;

interface Step {
  readonly place: number;
  readonly state: KeyState;
  readonly used: Used;
}

interface Position {
  readonly state: KeyState;
  readonly used: Used;
  /** Places that were taken to get here from the position before. */
  readonly taken: readonly number[];
  readonly steps: Iterator<Step>;
}

/** May one of these still change anything, now or later? If not, it does not matter whether one was used. */
function isAlive({ calls, isUnseen }: LooseCalls, floor: number): boolean {
  const call = calls[0]?.call;
  if (call === undefined || call.op === 'get') return false;
  if (call.op === 'expire') return isUnseen;
  return !Array.isArray(call.ifMatch) || call.ifMatch.some((version: number) => version >= floor);
}

export class OrderSearch {
  readonly #certain: readonly RecordedCall[];
  readonly #putsInOrder: readonly number[];
  readonly #loose: LooseIndex;
  /** Value -> place. */
  readonly #putOf = new Map<string, number>();
  readonly #taken: Uint8Array;
  /** Where the search has been -> what it had used up when it was there. */
  readonly #been = new Map<string, Used[]>();
  #positions = 0;
  readonly #positionsMax: number;
  /** All places before it are taken. */
  #first = 0;
  #takenCount = 0;
  #takenPuts = 0;
  #reached = -1;
  #states: KeyState[] = [];

  constructor(history: KeyHistory, positionsMax: number) {
    this.#certain = history.certain;
    this.#putsInOrder = history.putsInOrder;
    this.#loose = new LooseIndex(history.loose);
    this.#taken = new Uint8Array(history.certain.length);
    this.#positionsMax = positionsMax;
    for (const place of history.putsInOrder) {
      const { call } = this.#call(place);
      if (call.op === 'put') this.#putOf.set(call.value, place);
    }
  }

  /** @throws Error where it would take more than `positionsMax` positions to find out */
  search(): SearchResult {
    const path: Position[] = [];
    let next: Position | undefined = this.#arrive({ state: emptyState, used: new Map() }, []);
    for (;;) {
      if (next !== undefined) path.push(next);
      if (this.#takenCount === this.#certain.length) return this.#result(true);
      const position = path.at(-1);
      if (position === undefined) return this.#result(false);
      const step = position.steps.next();
      if (step.done === true) {
        this.#giveBack(position.taken);
        path.pop();
        next = undefined;
      } else {
        next = this.#arrive(step.value, [step.value.place]);
      }
    }
  }

  #result(isFound: boolean): SearchResult {
    return { isFound, reached: this.#reached, states: this.#states };
  }

  /** Undefined where the search has been there before. */
  #arrive({ state, used }: Omit<Step, 'place'>, places: number[]): Position | undefined {
    for (const place of places) this.#take(place);
    const taken = [...places, ...this.#takeReads(state)];
    if (this.#wasBetterOff(this.#keyOf(state), state.floor, used)) {
      this.#giveBack(taken);
      return undefined;
    }
    this.#positions += 1;
    if (this.#positions > this.#positionsMax) {
      throw new Error(`undecided after ${this.#positionsMax} positions`);
    }
    this.#note(state);
    return { state, used, taken, steps: this.#stepsFrom(state, used) };
  }

  /** Whether the search has been there with no more used up than now; if not, it has been now. */
  #wasBetterOff(key: string, floor: number, used: Used): boolean {
    const alive = new Map([...used].filter(([loose]) => isAlive(loose, floor)));
    const before = this.#been.get(key) ?? [];
    const isNoWorse = (other: Used): boolean =>
      [...other].every(([loose, count]) => count <= (alive.get(loose) ?? 0));
    if (before.some(isNoWorse)) return true;
    before.push(alive);
    this.#been.set(key, before);
    return false;
  }

  #note(state: KeyState): void {
    if (this.#takenCount > this.#reached) this.#states = [];
    this.#reached = Math.max(this.#reached, this.#takenCount);
    if (this.#takenCount === this.#reached && this.#states.length < statesKept) {
      this.#states.push(state);
    }
  }

  /** What changes and teaches nothing is best taken as soon as it fits. */
  #takeReads(state: KeyState): number[] {
    const taken: number[] = [];
    for (let count = -1; count < taken.length;) {
      count = taken.length;
      for (const place of this.#candidates().places) {
        if (this.#isNotNextPut(place)) continue;
        if (afterAnswered(state, this.#call(place)) !== state) continue;
        if (this.#mayRemoveLater(place)) continue;
        this.#take(place);
        taken.push(place);
      }
    }
    return taken;
  }

  /** A deadline that removes nothing now, because its entry is still to be put. */
  #mayRemoveLater(place: number): boolean {
    const { call } = this.#call(place);
    if (call.op !== 'expire') return false;
    const put = this.#putOf.get(call.value);
    return put !== undefined && this.#taken[put] !== 1;
  }

  /** First those that use nothing up. */
  *#stepsFrom(state: KeyState, used: Used): Generator<Step, void> {
    const { places, before } = this.#candidates();
    const next = places.filter((place) => !this.#isNotNextPut(place));
    for (const place of next) {
      const after = afterAnswered(state, this.#call(place));
      if (after !== undefined) yield { place, state: after, used };
    }
    for (const place of next) {
      const call = this.#call(place);
      const after = afterAnswered(state, call);
      // A deadline fits everywhere, but an entry that was replaced in time outlives it.
      if (after === undefined || (call.call.op === 'expire' && after !== state)) {
        yield* this.#stepsBehindLoose(place, { state, used }, before, looseInARowMax);
      }
    }
  }

  *#stepsBehindLoose(
    place: number,
    { state, used }: Omit<Step, 'place'>,
    before: number,
    left: number,
  ): Generator<Step, void> {
    const usable = [...this.#loose.applicable(state)].flatMap((loose) => {
      const unknown = loose.calls[used.get(loose) ?? 0];
      if (unknown === undefined || unknown.invoked > before) return [];
      const changed = afterUnknown(state, unknown, loose.isUnseen);
      return changed === undefined ? [] : [{ loose, call: unknown.call, changed }];
    });
    for (const { loose, call, changed } of usable) {
      // What can do less later is used up rather than what can do more.
      const isWaste = usable.some(
        (other) => canDoLess(other.call, call) && isSame(other.changed, changed),
      );
      if (isWaste) continue;
      const usedNow = new Map(used).set(loose, (used.get(loose) ?? 0) + 1);
      const after = afterAnswered(changed, this.#call(place));
      if (after !== undefined) yield { place, state: after, used: usedNow };
      else if (left > 1) {
        yield* this.#stepsBehindLoose(place, { state: changed, used: usedNow }, before, left - 1);
      }
    }
  }

  /** Places that may come next, and the position up to which anything may have been sent. */
  #candidates(): { places: number[]; before: number } {
    const places: number[] = [];
    let before = Infinity;
    for (let place = this.#first; place < this.#certain.length; place++) {
      if (this.#taken[place] === 1) continue;
      const { invoked, returned } = this.#call(place);
      if (invoked > before) break;
      places.push(place);
      before = Math.min(before, returned);
    }
    return { places, before };
  }

  #isNotNextPut(place: number): boolean {
    const isPut = this.#call(place).outcome.kind === 'written';
    return isPut && this.#putsInOrder[this.#takenPuts] !== place;
  }

  #call(place: number): RecordedCall {
    const call = this.#certain[place];
    if (call === undefined) throw new Error(`no call at ${place}`);
    return call;
  }

  #take(place: number): void {
    this.#taken[place] = 1;
    this.#takenCount += 1;
    if (this.#call(place).outcome.kind === 'written') this.#takenPuts += 1;
    while (this.#taken[this.#first] === 1) this.#first += 1;
  }

  #giveBack(places: readonly number[]): void {
    for (const place of places) {
      this.#taken[place] = 0;
      this.#takenCount -= 1;
      if (this.#call(place).outcome.kind === 'written') this.#takenPuts -= 1;
      this.#first = Math.min(this.#first, place);
    }
  }

  #keyOf({ entry, floor }: KeyState): string {
    let left = this.#takenCount - this.#first;
    let key = `${this.#first}`;
    for (let place = this.#first; left > 0; place++) {
      if (this.#taken[place] !== 1) continue;
      key += `,${place - this.#first}`;
      left -= 1;
    }
    return `${key}|${floor}|${entry === undefined ? '' : `${entry.version}=${entry.value}`}`;
  }
}

function isSame(a: KeyState, b: KeyState): boolean {
  return (
    a.floor === b.floor &&
    a.entry?.version === b.entry?.version &&
    a.entry?.value === b.entry?.value &&
    (a.entry === undefined) === (b.entry === undefined)
  );
}

/** Whether wherever the one changes something, the other would do the same. */
function canDoLess(one: Call, other: Call): boolean {
  if (other.op === 'delete') {
    const isAlways = other.ifNoneMatch === undefined && !Array.isArray(other.ifMatch);
    const isOneToo =
      one.op === 'delete' && one.ifNoneMatch === undefined && !Array.isArray(one.ifMatch);
    return isAlways && !isOneToo && (one.op === 'delete' || one.op === 'expire');
  }
  if (one.op !== 'put' || other.op !== 'put' || other.ifNoneMatch !== undefined) return false;
  if (other.ifMatch === undefined) {
    return one.ifMatch !== undefined || one.ifNoneMatch !== undefined;
  }
  return other.ifMatch === '*' && Array.isArray(one.ifMatch) && one.ifNoneMatch === undefined;
}

/** Which calls of unknown outcome are worth a look in a state. */
class LooseIndex {
  readonly #always: LooseCalls[] = [];
  readonly #byVersion = new Map<number, LooseCalls[]>();
  readonly #byValue = new Map<string, LooseCalls[]>();
  readonly #listed: LooseCalls[] = [];

  constructor(groups: readonly LooseCalls[]) {
    for (const group of groups) this.#add(group);
  }

  #add(group: LooseCalls): void {
    const call = group.calls[0]?.call;
    if (call === undefined || call.op === 'get') return;
    if (call.op === 'expire') {
      if (group.isUnseen) this.#always.push(group);
      else append(this.#byValue, call.value, group);
    } else if (Array.isArray(call.ifMatch)) {
      this.#listed.push(group);
      for (const version of call.ifMatch as readonly number[]) {
        append(this.#byVersion, version, group);
      }
    } else {
      this.#always.push(group);
    }
  }

  *applicable({ entry, floor }: KeyState): Generator<LooseCalls, void> {
    yield* this.#always;
    if (entry === undefined) return;
    if (entry.value !== undefined) yield* this.#byValue.get(entry.value) ?? [];
    if (entry.version !== undefined) yield* this.#byVersion.get(entry.version) ?? [];
    else yield* this.#listed.filter((group) => isAlive(group, floor));
  }
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
