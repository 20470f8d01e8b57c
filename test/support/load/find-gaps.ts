// Checks a load of nothing but puts on a store that may lose its newest writes. The store must have
// all puts of a shard up to some moment, without a gap.
import { shardOfKey } from '../../../src/store/slot.ts';
import type { Call } from './call.ts';
import type { Contents } from './find-losses.ts';

interface GapReport {
  readonly gaps: readonly string[];
  /** The number of acknowledged puts after that moment. */
  readonly lost: number;
}

/** @param settled the position before which no acknowledged put may be missing */
export function findGaps(
  before: Contents,
  calls: readonly Call[],
  after: Contents,
  { shards, settled }: { readonly shards: number; readonly settled: number },
): GapReport {
  const reached = Array.from({ length: shards }, () => 0);
  const shardOf = (key: string): number => shardOfKey(key, shards);
  const versionOf = (key: string): number => after.get(key)?.version ?? 0;
  for (const key of after.keys()) {
    reached[shardOf(key)] = Math.max(reached[shardOf(key)] ?? 0, versionOf(key));
  }
  const gaps: string[] = [];
  let lost = 0;
  for (const { key, outcome, to } of calls) {
    if (outcome.kind !== 'written' || outcome.version <= versionOf(key)) continue;
    const moment = reached[shardOf(key)] ?? 0;
    lost += 1;
    if (outcome.version > moment && to >= settled) continue;
    gaps.push(`${key}: version ${outcome.version} is missing, while the shard is at ${moment}`);
  }
  for (const [key, content] of after) {
    if (content === undefined || before.get(key)?.version === content.version) continue;
    if (!calls.some(({ op, value }) => op === 'put' && value === content.value))
      gaps.push(`${key}: no call put the present value`);
  }
  return { gaps, lost };
}
