// Checks each key for one order of all calls that explains every answer. In that order, a call that
// ended before another one was sent comes before it. Keys are checked one at a time. A history is
// linearizable exactly if each key's is (Herlihy & Wing 1990).
import { describeCall, describeState } from './describe-call.ts';
import { keyHistory } from './key-history.ts';
import type { RecordedCall } from './recorded-call.ts';
import { OrderSearch, type SearchResult } from './search-order.ts';

export interface Violation {
  readonly key: string;
  /** The first answer without an explanation. */
  readonly call: RecordedCall;
  /** The key's history up to that answer, which is enough to see the violation. */
  readonly prefix: readonly RecordedCall[];
  readonly explanation: string;
}

export interface CheckOptions {
  /** The search throws after so many positions. Real histories take far fewer. */
  readonly positionsMax?: number;
}

const callsShown = 16;

/**
 * @returns the first key whose history nothing explains; undefined if there is none
 * @throws Error if the search takes too many positions
 */
export function checkLinearizability(
  history: readonly RecordedCall[],
  { positionsMax = 2_000_000 }: CheckOptions = {},
): Violation | undefined {
  for (const [key, calls] of byKey(history)) {
    const { isFound, until } = search(calls, positionsMax);
    if (!isFound) return explain(key, calls, until, positionsMax);
  }
  return undefined;
}

function byKey(history: readonly RecordedCall[]): Map<string, RecordedCall[]> {
  const keys = new Map<string, RecordedCall[]>();
  for (const call of history) {
    const calls = keys.get(call.key);
    if (calls === undefined) keys.set(call.key, [call]);
    else calls.push(call);
  }
  return keys;
}

function search(calls: readonly RecordedCall[], positionsMax: number): SearchResult {
  return new OrderSearch(keyHistory(calls), positionsMax).search();
}

/** The history up to a position. A call without an answer by then may or may not happen. */
function prefixAt(calls: readonly RecordedCall[], position: number): RecordedCall[] {
  return calls
    .filter(({ invoked }) => invoked <= position)
    .map((call) => {
      if (call.returned <= position || call.outcome.kind === 'not-applied') return call;
      return { ...call, returned: Infinity, outcome: { kind: 'unknown' } };
    });
}

/**
 * If a history can be explained, so can each of its beginnings. The search says how far it came. Later
 * answers may have mattered for that, so bisection finds the first beginning without an explanation.
 */
function explain(
  key: string,
  calls: readonly RecordedCall[],
  until: number,
  positionsMax: number,
): Violation {
  const answered = calls
    .filter(({ returned }) => returned !== Infinity)
    .toSorted((a, b) => a.returned - b.returned);
  const isGood = (place: number): boolean =>
    search(prefixAt(calls, answered[place]?.returned ?? 0), positionsMax).isFound;
  const likely = answered.findIndex(({ returned }) => returned >= until);
  let good = likely - 1;
  let bad = answered.length - 1;
  for (let middle = likely; bad - good > 1; middle = Math.floor((good + bad) / 2)) {
    if (isGood(middle)) good = middle;
    else bad = middle;
  }
  const call = answered[bad];
  if (call === undefined) throw new Error('a history without answers has been refused');
  const prefix = prefixAt(calls, call.returned).toSorted((a, b) => a.invoked - b.invoked);
  const before = prefixAt(calls, call.returned - 0.5);
  const explanation = explanationOf(key, call, prefix, search(before, positionsMax));
  return { key, call, prefix, explanation };
}

function explanationOf(
  key: string,
  call: RecordedCall,
  prefix: readonly RecordedCall[],
  { states }: SearchResult,
): string {
  const recent = prefix.slice(-callsShown).map((each) => `  ${describeCall(each)}`);
  const left = prefix.length - recent.length;
  return [
    `no order of the calls on key ${JSON.stringify(key)} explains this answer:`,
    `  ${describeCall(call)}`,
    ...hint(call, prefix).map((line) => `because ${line}`),
    `one explanation of what went before leaves ${states.map(describeState).join(', or ')}`,
    `its last calls, by when they were sent${left > 0 ? ` (${left} before them)` : ''}:`,
    ...recent,
  ].join('\n');
}

/** Names the cause in simple cases. */
function hint({ outcome, invoked }: RecordedCall, prefix: readonly RecordedCall[]): string[] {
  if (outcome.kind !== 'found' || outcome.value === undefined) return [];
  const put = prefix.find(({ call }) => call.op === 'put' && call.value === outcome.value);
  if (put === undefined) return ['no call had put that value'];
  if (put.outcome.kind === 'not-applied') return ['the put of that value was said not to happen'];
  if (put.outcome.kind === 'written' && put.outcome.version !== outcome.version) {
    return [`that value was put as version ${put.outcome.version}`];
  }
  const { version } = outcome;
  const later = prefix.find(
    (each) =>
      each.returned < invoked && each.outcome.kind === 'written' && each.outcome.version > version,
  );
  return later === undefined
    ? []
    : [`a later version was acknowledged before: ${describeCall(later)}`];
}
