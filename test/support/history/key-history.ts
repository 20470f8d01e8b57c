// Prepares the history of one key for the search: calls that certainly happened, and calls that may
// have. A put of unknown outcome happened if a call read its value, and before that call was answered.
// Any other call of unknown outcome stays loose: the search uses it only if it needs its effect.
import type { RecordedCall } from './recorded-call.ts';

/** Calls of unknown outcome with the same effect at any place. The search uses the earliest first. */
export interface LooseCalls {
  readonly label: string;
  /** In the order in which they were sent. */
  readonly calls: readonly RecordedCall[];
  /** See `afterUnknown`. */
  readonly isUnseen: boolean;
}

export interface KeyHistory {
  /** Calls that certainly happened, in the order in which they were sent. */
  readonly certain: readonly RecordedCall[];
  /** Indexes in `certain` of the puts with a known version, in order of the versions. */
  readonly putsInOrder: readonly number[];
  readonly loose: readonly LooseCalls[];
}

interface Sighting {
  readonly version: number;
  /** The position of the first answer that had the value. */
  readonly by: number;
}

function sightings(calls: readonly RecordedCall[]): Map<string, Sighting> {
  const seen = new Map<string, Sighting>();
  for (const { outcome, returned } of calls) {
    if (outcome.kind !== 'found' || outcome.value === undefined) continue;
    const { version, value } = outcome;
    const by = Math.min(returned, seen.get(value)?.by ?? Infinity);
    seen.set(value, { version: seen.get(value)?.version ?? version, by });
  }
  return seen;
}

/** @returns the call with its certain outcome; undefined if it may not have happened */
function ascertain(call: RecordedCall, seen: Map<string, Sighting>): RecordedCall | undefined {
  if (call.outcome.kind !== 'unknown') return call;
  const sighting = call.call.op === 'put' ? seen.get(call.call.value) : undefined;
  if (sighting === undefined) return undefined;
  const { version, by } = sighting;
  return { ...call, returned: by, outcome: { kind: 'written', version, created: undefined } };
}

function labelOf({ call }: RecordedCall, isUnseen: boolean): string {
  if (call.op === 'get') return 'get';
  if (call.op === 'expire') return isUnseen ? 'expire' : `expire ${call.value}`;
  return `${call.op} ${JSON.stringify([call.ifMatch, call.ifNoneMatch])}`;
}

function inOrderSent(a: RecordedCall, b: RecordedCall): number {
  return a.invoked - b.invoked;
}

function groupLoose(calls: readonly RecordedCall[], known: ReadonlySet<string>): LooseCalls[] {
  const groups = new Map<string, { calls: RecordedCall[]; isUnseen: boolean }>();
  for (const call of calls.toSorted(inOrderSent)) {
    const isUnseen = call.call.op === 'expire' && !known.has(call.call.value);
    const label = labelOf(call, isUnseen);
    const group = groups.get(label) ?? { calls: [], isUnseen };
    groups.set(label, group);
    group.calls.push(call);
  }
  return Array.from(groups, ([label, group]) => ({ label, ...group }));
}

export function keyHistory(calls: readonly RecordedCall[]): KeyHistory {
  const seen = sightings(calls);
  const certain: RecordedCall[] = [];
  const loose: RecordedCall[] = [];
  const knownPuts = new Set<string>();
  const loosePuts = new Set<string>();
  for (const call of calls) {
    if (call.outcome.kind === 'not-applied' || call.call.op === 'expire') continue;
    const ascertained = ascertain(call, seen);
    if (ascertained !== undefined) certain.push(ascertained);
    else if (call.call.op !== 'get') loose.push(call);
    if (call.call.op === 'put') {
      (ascertained === undefined ? loosePuts : knownPuts).add(call.call.value);
    }
  }
  for (const call of calls) {
    if (call.call.op !== 'expire') continue;
    const isCertain = call.outcome.kind === 'expired' && knownPuts.has(call.call.value);
    if (isCertain) certain.push(call);
    // The deadline of a value that no call read removes nothing that a call has seen.
    else if (knownPuts.has(call.call.value) || loosePuts.has(call.call.value)) loose.push(call);
  }
  certain.sort(inOrderSent);
  return { certain, putsInOrder: orderOfPuts(certain), loose: groupLoose(loose, knownPuts) };
}

function orderOfPuts(certain: readonly RecordedCall[]): number[] {
  const puts: [version: number, place: number][] = [];
  for (const [place, { outcome }] of certain.entries()) {
    if (outcome.kind === 'written') puts.push([outcome.version, place]);
  }
  return puts.toSorted((a, b) => a[0] - b[0]).map(([, place]) => place);
}
