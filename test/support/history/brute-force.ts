// Decides linearizability of one key's short history by trying every order. It judges the real
// checker, so it shares no code with it.
import type { CallConditions, RecordedCall } from './recorded-call.ts';

interface Entry {
  readonly value: string;
  readonly version: number;
}

interface State {
  readonly entry: Entry | undefined;
  readonly last: number;
}

/** True if some order explains the calls, with or without each call of unknown outcome. */
export function isLinearizableByBruteForce(calls: readonly RecordedCall[]): boolean {
  const real = calls.filter(({ outcome }) => outcome.kind !== 'not-applied');
  const told = real.flatMap(({ call, outcome }) => [
    'version' in outcome ? outcome.version : 0,
    ...('ifMatch' in call && Array.isArray(call.ifMatch) ? (call.ifMatch as number[]) : []),
  ]);
  const versionMax = Math.max(0, ...told) + 1;
  const failed = new Set<string>();
  const canFinish = (left: readonly RecordedCall[], state: State): boolean => {
    if (left.every(({ outcome }) => outcome.kind === 'unknown')) return true;
    const situation = JSON.stringify([left.map((call) => real.indexOf(call)), state]);
    if (failed.has(situation)) return false;
    const isDone = left.some((call) => {
      const others = left.filter((other) => other !== call);
      const isFirst = others.every(
        (other) => other.outcome.kind === 'unknown' || other.returned > call.invoked,
      );
      if (!isFirst) return false;
      if (call.outcome.kind === 'unknown' && canFinish(others, state)) return true;
      return statesBehind(call, state, versionMax).some((next) => canFinish(others, next));
    });
    if (!isDone) failed.add(situation);
    return isDone;
  };
  return canFinish(real, { entry: undefined, last: 0 });
}

function statesBehind({ call, outcome }: RecordedCall, state: State, versionMax: number): State[] {
  const { entry, last } = state;
  const isUnknown = outcome.kind === 'unknown';
  if (call.op === 'expire') {
    return [entry?.value === call.value ? { entry: undefined, last } : state];
  }
  if (call.op === 'get') {
    if (isUnknown) return [state];
    if (outcome.kind === 'missing') return entry === undefined ? [state] : [];
    if (outcome.kind !== 'found' || entry?.version !== outcome.version) return [];
    return outcome.value === undefined || outcome.value === entry.value ? [state] : [];
  }
  const holds = conditionsHold(call, entry?.version ?? 0);
  if (!holds) {
    if (isUnknown) return [state];
    const isTold = outcome.kind === 'condition-failed' && outcome.version === (entry?.version ?? 0);
    return isTold ? [state] : [];
  }
  if (call.op === 'delete') {
    const gone = { entry: undefined, last };
    if (isUnknown || outcome.kind === 'gone') return [gone];
    if (outcome.kind === 'missing') return entry === undefined ? [state] : [];
    return outcome.kind === 'deleted' && entry !== undefined ? [gone] : [];
  }
  if (isUnknown) {
    const versions = Array.from({ length: versionMax - last }, (_, step) => last + 1 + step);
    return versions.map((version) => ({ entry: { value: call.value, version }, last: version }));
  }
  if (outcome.kind !== 'written' || outcome.version <= last) return [];
  if (outcome.created !== undefined && outcome.created !== (entry === undefined)) return [];
  return [{ entry: { value: call.value, version: outcome.version }, last: outcome.version }];
}

function conditionsHold({ ifMatch, ifNoneMatch }: CallConditions, version: number): boolean {
  const isIn = (match: '*' | readonly number[]): boolean =>
    version !== 0 && (match === '*' || match.includes(version));
  if (ifMatch !== undefined && !isIn(ifMatch)) return false;
  return ifNoneMatch === undefined || !isIn(ifNoneMatch);
}
