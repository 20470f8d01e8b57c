// Finds the calls of unknown outcome that are worth a try in a state, and the ones to use first.
import type { LooseCalls } from './key-history.ts';
import type { KeyState } from './key-state.ts';
import type { Call } from './recorded-call.ts';

/** True if the call may still change anything. If not, it does not matter whether it was used. */
export function isAlive({ calls, isUnseen }: LooseCalls, floor: number): boolean {
  const call = calls[0]?.call;
  if (call === undefined || call.op === 'get') return false;
  if (call.op === 'expire') return isUnseen;
  return !Array.isArray(call.ifMatch) || call.ifMatch.some((version: number) => version >= floor);
}

/** True if `other` has the same effect wherever `one` has one. */
export function canDoLess(one: Call, other: Call): boolean {
  if (other.op === 'delete') {
    if (!isUnconditional(other)) return false;
    return one.op === 'expire' || (one.op === 'delete' && !isUnconditional(one));
  }
  if (one.op !== 'put' || other.op !== 'put' || other.ifNoneMatch !== undefined) return false;
  if (other.ifMatch === undefined) {
    return one.ifMatch !== undefined || one.ifNoneMatch !== undefined;
  }
  return other.ifMatch === '*' && Array.isArray(one.ifMatch) && one.ifNoneMatch === undefined;
}

/** A delete changes something only if there is an entry, so `*` is no condition. */
function isUnconditional({ ifMatch, ifNoneMatch }: Call & { op: 'delete' }): boolean {
  return ifNoneMatch === undefined && !Array.isArray(ifMatch);
}

export class LooseIndex {
  readonly #always: LooseCalls[] = [];
  readonly #byVersion = new Map<number, LooseCalls[]>();
  readonly #byValue = new Map<string, LooseCalls[]>();
  readonly #listed: LooseCalls[] = [];

  constructor(groups: readonly LooseCalls[]) {
    for (const group of groups) this.#add(group);
  }

  *applicable({ entry, floor }: KeyState): Generator<LooseCalls, void> {
    yield* this.#always;
    if (entry === undefined) return;
    if (entry.value !== undefined) yield* this.#byValue.get(entry.value) ?? [];
    if (entry.version !== undefined) yield* this.#byVersion.get(entry.version) ?? [];
    else yield* this.#listed.filter((group) => isAlive(group, floor));
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
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
