// Owns how much each namespace holds, as the shards last told it. The store's own namespaces that
// belong to another one count there. Knows no limit.
import { ownerOfNamespace } from '../../base/namespace-name.ts';
import type { NamespaceFigures } from '../../store/store-status.ts';

/** An amount of data. Bytes are those of keys and values, summed. */
export interface Amount {
  readonly keys: number;
  readonly bytes: number;
}

const nothing: Amount = { keys: 0, bytes: 0 };

export class NamespaceUsage {
  /** By shard, and by the name under which the shard has the entries. */
  readonly #figures: readonly Map<string, NamespaceFigures>[];
  /** By owner, over all shards. The map holds no zeros. */
  readonly #sums = new Map<string, Amount>();

  constructor(shards: number) {
    this.#figures = Array.from({ length: shards }, () => new Map());
  }

  /** All that counts for the namespace. Entries that have expired count until they are removed. */
  of(namespace: string): Amount {
    return this.#sums.get(namespace) ?? nothing;
  }

  /** The entries of this very name in one shard. */
  inShard(shard: number, name: string): Amount {
    return this.#figures[shard]?.get(name) ?? nothing;
  }

  /** The shard was opened: it has these entries, and no others. */
  opened(shard: number, figures: readonly NamespaceFigures[]): void {
    const names = [...(this.#figures[shard]?.keys() ?? [])];
    this.changed(
      shard,
      names.map((namespace) => ({ namespace, ...nothing })),
    );
    this.changed(shard, figures);
  }

  /** @param figures of the namespaces that have changed in the shard */
  changed(shard: number, figures: readonly NamespaceFigures[]): void {
    const known = this.#figures[shard];
    if (known === undefined) throw new Error('every shard has its figures');
    for (const now of figures) {
      const { namespace, keys, bytes } = now;
      const before = known.get(namespace) ?? nothing;
      this.#add(ownerOfNamespace(namespace), keys - before.keys, bytes - before.bytes);
      if (keys === 0) known.delete(namespace);
      else known.set(namespace, now);
    }
  }

  #add(owner: string, keys: number, bytes: number): void {
    const before = this.of(owner);
    const sum = { keys: before.keys + keys, bytes: before.bytes + bytes };
    if (sum.keys === 0) this.#sums.delete(owner);
    else this.#sums.set(owner, sum);
  }
}
