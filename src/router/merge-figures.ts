// Sums the shards' figures of namespaces. Knows no shard.
import type { NamespaceFigures } from '../store/store-status.ts';

/**
 * @param parts the figures of each shard
 * @param asked the namespaces in the order of the answer; undefined: all that have entries, sorted
 *   by bytes
 */
export function mergeFigures(
  parts: readonly (readonly NamespaceFigures[])[],
  asked: readonly string[] | undefined,
): NamespaceFigures[] {
  const sums = new Map<string, { keys: number; bytes: number }>();
  for (const { namespace, keys, bytes } of parts.flat()) {
    const sum = sums.get(namespace) ?? { keys: 0, bytes: 0 };
    sums.set(namespace, { keys: sum.keys + keys, bytes: sum.bytes + bytes });
  }
  const namespaces = asked ?? [...sums.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return namespaces.map((namespace) => ({
    namespace,
    ...(sums.get(namespace) ?? { keys: 0, bytes: 0 }),
  }));
}
