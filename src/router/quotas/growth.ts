// Computes by how much a write may grow its namespace: a bound before it is carried out, and the exact
// figure for the changes of a transaction. Knows no quota.
import { ownerOfNamespace } from '../../base/namespace-name.ts';
import type { KeyedCommand } from '../../commands/command.ts';
import { commandTable } from '../../commands/command-table.ts';
import type { EntryName, CommandOperation, PutOperation } from '../../store/operation.ts';
import type { EntryResult } from '../../store/result.ts';
import type { PlannedChanges, TransactionMoment } from '../../store/transaction.ts';
import type { AnyOperation } from '../sequencer.ts';
import type { Amount, NamespaceUsage } from './namespace-usage.ts';
import type { ShardGrowth } from './namespace-quota.ts';

/** No 64-bit integer has more characters, its sign among them. */
const integerBytesMax = 20;

const noGrowth: Amount = { keys: 0, bytes: 0 };

/** The growth by a write, at most, whatever it finds. */
export function growthBound(operation: AnyOperation): Amount {
  if (operation.op === 'command') return boundOfCommand(operation);
  if (operation.op !== 'put') return noGrowth;
  return { keys: 1, bytes: operation.key.length + operation.value.length };
}

/** @param old the entry that the put replaces; the caller knows that it stands there until then */
export function growthOver(old: EntryResult, { value }: PutOperation): Amount {
  return { keys: 0, bytes: value.length - old.size };
}

function boundOfCommand({ name, access, args, keys, valueBytesMax }: CommandOperation): Amount {
  const command = commandTable.get(name) as KeyedCommand | undefined;
  if (access === 'read' || command?.grows === 'never') return noGrowth;
  let bytes = 0;
  for (const key of keys) bytes += key.length;
  if (command?.grows === 'arguments') {
    for (const word of args) bytes += word.length;
    bytes += keys.length * integerBytesMax;
  } else {
    bytes += keys.length * valueBytesMax;
  }
  return { keys: keys.length, bytes };
}

export interface GrowthOptions {
  readonly shardOf: (key: string) => number;
  readonly shards: number;
  readonly usage: NamespaceUsage;
  /** False for a namespace without a quota: its growth does not matter. */
  readonly isLimited: (namespace: string) => boolean;
}

/**
 * The growth of each limited namespace by these changes, in each shard that they are made in. The
 * namespaces are in the order of their names.
 */
export function growthOfChanges(
  names: readonly EntryName[],
  { entries }: Pick<TransactionMoment, 'entries'>,
  { changes, flush = [] }: PlannedChanges<unknown>,
  options: GrowthOptions,
): [namespace: string, growths: ShardGrowth[]][] {
  const { shardOf, shards, usage, isLimited } = options;
  const sums = new Map<string, Map<number, { keys: number; bytes: number }>>();
  const add = (namespace: string, shard: number, keys: number, bytes: number): void => {
    const owner = ownerOfNamespace(namespace);
    const ofShards = sums.get(owner) ?? new Map<number, { keys: number; bytes: number }>();
    sums.set(owner, ofShards);
    const sum = ofShards.get(shard) ?? { keys: 0, bytes: 0 };
    ofShards.set(shard, { keys: sum.keys + keys, bytes: sum.bytes + bytes });
  };
  for (const namespace of flush) {
    if (!isLimited(namespace)) continue;
    for (let shard = 0; shard < shards; shard++) {
      const held = usage.inShard(shard, namespace);
      add(namespace, shard, -held.keys, -held.bytes);
    }
  }
  for (const [index, { namespace, key }] of names.entries()) {
    const change = changes[index];
    if (change === undefined || !isLimited(namespace)) continue;
    const old = flush.includes(namespace) ? undefined : entries[index];
    const oldBytes = old === undefined ? 0 : key.length + old.size;
    const newBytes = change === 'delete' ? 0 : key.length + change.value.length;
    const keys = (change === 'delete' ? 0 : 1) - (old === undefined ? 0 : 1);
    add(namespace, shardOf(key), keys, newBytes - oldBytes);
  }
  return [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, ofShards]) => [
      owner,
      [...ofShards].map(([shard, amount]) => ({ shard, ...amount })),
    ]);
}
