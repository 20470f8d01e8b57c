// Journal records as version 1 of the format named them, in the names of today. The only difference is
// how it recorded transactions over several shards: `part` is `prepare` now, `note` is `commit` or
// `abort`.

/** Any other record is returned as it is. */
export function recordOfVersion1(record: unknown): unknown {
  if (typeof record !== 'object' || record === null) return record;
  const { op, shards, committed, ...rest } = record as Record<string, unknown>;
  if (op === 'part') return { op: 'prepare', participants: shards, ...rest };
  if (op === 'note' && typeof committed === 'boolean') {
    return { op: committed ? 'commit' : 'abort', ...rest };
  }
  return record;
}
