// Translates journal records of format version 1. Only its records of transactions over several
// shards had other names: `part` is `prepare` now, `note` is `commit` or `abort`.

/** Returns any other record as it is. */
export function recordOfVersion1(record: unknown): unknown {
  if (typeof record !== 'object' || record === null) return record;
  const { op, shards, committed, ...rest } = record as Record<string, unknown>;
  if (op === 'part') return { op: 'prepare', participants: shards, ...rest };
  if (op === 'note' && typeof committed === 'boolean') {
    return { op: committed ? 'commit' : 'abort', ...rest };
  }
  return record;
}
