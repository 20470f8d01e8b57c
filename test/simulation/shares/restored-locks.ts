// The locks of a store that was restored from a backup. Those of the backup are held. The first fence that
// the store gives is above all that the original has ever given. Opens the store on its own, with no fault.
import { entryOfFence, entryOfLock } from '../../../src/locks/lock-names.ts';
import { heldLockOf, taking } from '../../../src/locks/lock-rules.ts';
import { lockTransactOptions } from '../../../src/locks/locks.ts';
import { SimulatedEngine } from '../../support/simulated/simulated-engine.ts';
import type { TakenBackup } from '../backup-client.ts';
import { nameOf } from '../entry-names.ts';
import type { Claim } from './lock-tenures.ts';

export interface RestoredLocksOptions {
  readonly backup: TakenBackup;
  readonly namespace: string;
  /** Locks that were held at the backup, and are still. */
  readonly held: readonly Claim[];
  /** The highest fence that the original has given by now. */
  readonly highestFence: number;
  /** The wall time of the restore. */
  readonly now: number;
}

/** @returns undefined if all locks are as they must be */
export async function misfitOfRestoredLocks(
  options: RestoredLocksOptions,
): Promise<string | undefined> {
  const { backup, namespace, held, highestFence, now } = options;
  const engine = await SimulatedEngine.open(backup.fileSystem, { fsync: 'always' });
  for (const { lock: name, fence } of held) {
    const lock = { namespace, name };
    // oxlint-disable-next-line no-await-in-loop -- few
    const [found] = (await engine.until(engine.store.getMany([entryOfLock(lock)]))) ?? [];
    const restored = heldLockOf(lock, found?.kind === 'entry' ? found : undefined);
    if (restored?.fence === fence) continue;
    return `${name} was held with ${fence}, and is restored with ${restored?.fence ?? 'none'}`;
  }
  const request = { ttlMs: 1000, userId: 'restored', mayTake: () => true };
  const { names, plan } = taking({ namespace, name: 'after the restore' }, request);
  const taken = await engine.until(engine.store.transact(names, plan, lockTransactOptions));
  const fence = taken?.kind === 'committed' ? taken.output.fence : 0;
  const last = Number(backup.entries.get(nameOf(entryOfFence(namespace)))?.value);
  const expected = Math.max(last + 2 ** 40, now * 2 ** 10);
  if (fence === expected && fence > highestFence) return undefined;
  return `a restored store gives ${fence} first, not ${expected}; ${highestFence} was given before`;
}
