// Finds the keys that a missing change may have changed. Knows no file.
import type { EntryPosition } from '../shard/streams/entry-stream.ts';
import { nameInFinding, type KeyFinding } from './finding.ts';
import type { Doubt, LastKnown } from './salvaged-entries.ts';

/**
 * Yields a finding for each key that a missing change may have changed. The list may have a few
 * keys too many, because a transaction's change has a version below its seq.
 *
 * @param known the last provable change of every key, in order
 */
export function* doubtfulKeys(
  shard: number,
  known: readonly LastKnown[],
  doubts: readonly Doubt[],
): Generator<KeyFinding, void, void> {
  const named = namedIn(doubts);
  const toSeqs = new Map<Doubt['covers'], number>();
  for (const { covers, toSeq } of doubts) {
    toSeqs.set(covers, Math.max(toSeqs.get(covers) ?? 0, toSeq));
  }
  const limits = [...toSeqs];
  for (const last of known) {
    const isDoubtful = limits.some(([covers, to]) => last.version <= to && covers(last));
    const isNamed = named.size > 0 && named.delete(positionText(last));
    if (isDoubtful) yield keyFinding(shard, last, last, isNamed);
  }
  for (const one of named.values()) yield keyFinding(shard, one, undefined, true);
}

function namedIn(doubts: readonly Doubt[]): Map<string, EntryPosition> {
  const entries = doubts.flatMap((doubt) => doubt.named);
  return new Map(entries.map((entry) => [positionText(entry), entry]));
}

/** A text that is equal for two entries only if namespace and key are equal. */
export function positionText({ namespace, key }: EntryPosition): string {
  return JSON.stringify([namespace, key]);
}

function keyFinding(
  shard: number,
  entry: EntryPosition,
  last: LastKnown | undefined,
  isNamed: boolean,
): KeyFinding {
  return {
    finding: 'key',
    shard,
    ...nameInFinding(entry),
    kept: last?.record === undefined ? 'nothing' : 'value',
    version: last?.version ?? null,
    ...(isNamed ? { named: true } : {}),
  };
}
