// The simplest check of a history: acknowledged writes are there, refused ones are not. It is
// weaker than the check for linearizability, but simple enough to be obviously right.
import { isChange, type Call, type Content } from './call.ts';

export type Contents = ReadonlyMap<string, Content>;

/**
 * Compares the contents after all calls with the calls and with the contents before them.
 *
 * @returns a sentence for each key that is wrong
 */
export function findLosses(before: Contents, calls: readonly Call[], after: Contents): string[] {
  const byKey = new Map<string, Call[]>();
  for (const call of calls) {
    const ofKey = byKey.get(call.key);
    if (ofKey === undefined) byKey.set(call.key, [call]);
    else ofKey.push(call);
  }
  const losses: string[] = [];
  for (const [key, content] of after) {
    const loss = lossOf(before.get(key), byKey.get(key) ?? [], content);
    if (loss !== undefined) losses.push(`${key}: ${loss}`);
  }
  return losses;
}

function lossOf(before: Content, calls: readonly Call[], content: Content): string | undefined {
  const acknowledged = calls.filter(isChange);
  /** The last acknowledged change overwrites every call that ended before it began. */
  const lastFrom = Math.max(0, ...acknowledged.map(({ from }) => from));
  if (content?.value === before?.value && content?.version === before?.version) {
    if (lastFrom === 0 || (content === undefined && mayBeDeleted(calls, lastFrom)))
      return undefined;
    return `${short(content)} was there before, and was changed by ${describe(acknowledged, lastFrom)}`;
  }
  if (content === undefined) {
    if (mayBeDeleted(calls, lastFrom)) return undefined;
    return `nothing is there after ${describe(acknowledged, lastFrom)}`;
  }
  const source = calls.find(({ op, value }) => op === 'put' && value === content.value);
  if (source === undefined) return `${short(content)} is there, which no call put`;
  const { outcome, to } = source;
  if (outcome.kind === 'written' && outcome.version !== content.version) {
    return `version ${content.version} is there, version ${outcome.version} was acknowledged`;
  }
  if (outcome.kind !== 'written' && outcome.kind !== 'unknown') {
    return `${short(content)} is there, whose put was answered ${outcome.kind}`;
  }
  if (to >= lastFrom) return undefined;
  return `${short(content)} is there after ${describe(acknowledged, lastFrom)}`;
}

function mayBeDeleted(calls: readonly Call[], lastFrom: number): boolean {
  return calls.some(
    ({ op, outcome: { kind }, to }) =>
      op === 'delete' && (kind === 'deleted' || kind === 'unknown') && to >= lastFrom,
  );
}

function describe(acknowledged: readonly Call[], from: number): string {
  const last = acknowledged.find((call) => call.from === from);
  return last?.op === 'put' ? `the put of ${short(last)}` : 'a delete';
}

function short(entry: { readonly value?: string } | undefined): string {
  return entry?.value === undefined ? 'nothing' : `"${entry.value.slice(0, 24)}"`;
}
