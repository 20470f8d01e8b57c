// Owns the quotas of all namespaces that have one. A write of another namespace costs one look here.
import { ownerOfNamespace } from '../../base/namespace-name.ts';
import type { NamespaceFigures } from '../../store/store-status.ts';
import { isUnlimited, type Quota } from '../../store/quota.ts';
import type { UsageListener } from '../shard/shard-lifecycle.ts';
import { NamespaceQuota } from './namespace-quota.ts';
import { NamespaceUsage } from './namespace-usage.ts';

export class Quotas implements UsageListener {
  readonly usage: NamespaceUsage;
  /** By the namespace's name. */
  readonly #quotas = new Map<string, NamespaceQuota>();

  constructor(shards: number) {
    this.usage = new NamespaceUsage(shards);
  }

  /** True if no namespace has a quota. */
  get areNone(): boolean {
    return this.#quotas.size === 0;
  }

  /** The quota that entries of this namespace count to. */
  of(namespace: string): NamespaceQuota | undefined {
    if (this.#quotas.size === 0) return undefined;
    return this.#quotas.get(ownerOfNamespace(namespace));
  }

  /** @returns true if the namespace had no quota: writes under way have reserved nothing */
  set(namespace: string, quota: Quota): boolean {
    const known = this.#quotas.get(namespace);
    if (known !== undefined) {
      // Writes that wait for room look at it once more.
      known.set(quota);
      if (isUnlimited(quota)) this.#quotas.delete(namespace);
      return false;
    }
    if (isUnlimited(quota)) return false;
    this.#quotas.set(namespace, new NamespaceQuota(namespace, this.usage, quota));
    return true;
  }

  opened(shard: number, namespaces: readonly NamespaceFigures[]): void {
    this.usage.opened(shard, namespaces);
  }

  changed(shard: number, namespaces: readonly NamespaceFigures[]): void {
    this.usage.changed(shard, namespaces);
  }

  settled(shard: number): void {
    for (const quota of this.#quotas.values()) quota.settled(shard);
  }
}
