// The sequential rules for one key: its possible states, and the answers that each state allows.
// Shares no code with the store, which it judges.
import { unreachable } from '../../../src/base/assert.ts';
import type { CallConditions, CallOutcome, RecordedCall } from './recorded-call.ts';

export interface KnownEntry {
  /** Undefined if a call of unknown outcome put the value, and no call ever read it. */
  readonly value: string | undefined;
  /** Undefined if no client knows the version. It is then at least the state's `floor`. */
  readonly version: number | undefined;
}

export interface KeyState {
  readonly entry: KnownEntry | undefined;
  /** The next version is higher than this. */
  readonly floor: number;
}

export const emptyState: KeyState = { entry: undefined, floor: 0 };

function matches(match: '*' | readonly number[], version: number): boolean {
  return version > 0 && (match === '*' || match.includes(version));
}

function hold({ ifMatch, ifNoneMatch }: CallConditions, version: number): boolean {
  return (
    (ifMatch === undefined || matches(ifMatch, version)) &&
    (ifNoneMatch === undefined || !matches(ifNoneMatch, version))
  );
}

/** @returns the lowest version below `below` that the entry may have and that fits the conditions */
function versionThatFits(
  { entry, floor }: KeyState,
  conditions: CallConditions,
  below: number,
): number | undefined {
  if (entry === undefined) return hold(conditions, 0) ? 0 : undefined;
  const { version } = entry;
  if (version !== undefined) {
    return version < below && hold(conditions, version) ? version : undefined;
  }
  const { ifMatch, ifNoneMatch } = conditions;
  const listed = Array.isArray(ifMatch) ? (ifMatch as readonly number[]) : undefined;
  // One of so many successive versions is missing in the list, so it does not match.
  const tried = Array.from({ length: (ifNoneMatch?.length ?? 0) + 1 }, (_, step) => floor + step);
  const candidates = (listed ?? tried).filter((each) => each >= floor && each < below);
  return candidates.toSorted((a, b) => a - b).find((each) => hold(conditions, each));
}

/**
 * The state in which the entry has this version.
 *
 * @returns undefined if the entry cannot have the version
 */
function withVersion(state: KeyState, version: number): KeyState | undefined {
  const { entry, floor } = state;
  if (entry === undefined) return version === 0 ? state : undefined;
  if (entry.version !== undefined) return entry.version === version ? state : undefined;
  return version >= floor ? { entry: { value: entry.value, version }, floor: version } : undefined;
}

function afterPut(
  state: KeyState,
  conditions: CallConditions,
  value: string,
  { version, created }: CallOutcome & { kind: 'written' },
): KeyState | undefined {
  if (version <= state.floor) return undefined;
  if (created !== undefined && created !== (state.entry === undefined)) return undefined;
  if (versionThatFits(state, conditions, version) === undefined) return undefined;
  return { entry: { value, version }, floor: version };
}

function afterDelete(state: KeyState, conditions: CallConditions): KeyState | undefined {
  const version = versionThatFits(state, conditions, Infinity);
  if (version === undefined) return undefined;
  return { entry: undefined, floor: Math.max(state.floor, version) };
}

function afterFailedCondition(
  state: KeyState,
  conditions: CallConditions,
  version: number,
): KeyState | undefined {
  return hold(conditions, version) ? undefined : withVersion(state, version);
}

function afterFound(
  state: KeyState,
  version: number,
  value: string | undefined,
): KeyState | undefined {
  if (state.entry === undefined) return undefined;
  if (value !== undefined && state.entry.value !== value) return undefined;
  return withVersion(state, version);
}

/**
 * The state after a call with its answer. It is the same object if the answer changes and teaches
 * nothing.
 *
 * @returns undefined if this state does not allow the answer
 */
export function afterAnswered(state: KeyState, call: RecordedCall): KeyState | undefined {
  const { outcome } = call;
  const { op } = call.call;
  if (op === 'expire') return state.entry?.value === call.call.value ? expired(state) : state;
  if (op === 'get') {
    if (outcome.kind === 'found') return afterFound(state, outcome.version, outcome.value);
    return outcome.kind === 'missing' && state.entry === undefined ? state : undefined;
  }
  if (outcome.kind === 'condition-failed') {
    return afterFailedCondition(state, call.call, outcome.version);
  }
  if (op === 'put') {
    if (outcome.kind !== 'written') return undefined;
    return afterPut(state, call.call, call.call.value, outcome);
  }
  if (outcome.kind === 'gone' && state.entry === undefined) {
    return hold(call.call, 0) ? state : undefined;
  }
  if (outcome.kind === 'deleted' || outcome.kind === 'gone') {
    return state.entry === undefined ? undefined : afterDelete(state, call.call);
  }
  if (outcome.kind !== 'missing' || state.entry !== undefined) return undefined;
  return hold(call.call, 0) ? state : undefined;
}

function expired({ floor }: KeyState): KeyState {
  return { entry: undefined, floor };
}

/**
 * The state after a call of unknown outcome that took effect.
 *
 * @param isUnseen for an expiry: no call has read the removed value
 * @returns undefined if the call cannot have changed anything
 */
export function afterUnknown(
  state: KeyState,
  { call }: RecordedCall,
  isUnseen: boolean,
): KeyState | undefined {
  const { entry, floor } = state;
  switch (call.op) {
    case 'put': {
      const version = versionThatFits(state, call, Infinity);
      if (version === undefined) return undefined;
      const unseen = { value: undefined, version: undefined };
      return { entry: unseen, floor: Math.max(floor, version) + 1 };
    }
    case 'delete':
      return entry === undefined ? undefined : afterDelete(state, call);
    case 'expire': {
      const value = isUnseen ? undefined : call.value;
      return entry !== undefined && entry.value === value ? expired(state) : undefined;
    }
    case 'get':
      return undefined;
    default:
      return unreachable(call);
  }
}
