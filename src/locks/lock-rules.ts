// The rules of locks, as pure plans of transactions. They decide who takes, renews and releases a lock, and
// which entries that leaves in the store. A lock that has expired is absent, by the store's time. Knows
// neither waiting nor callers beyond the id of a user.
import { textOfByteString } from '../base/byte-string.ts';
import { StoreError } from '../base/errors.ts';
import type { EntryName } from '../store/operation.ts';
import type { EntryResult } from '../store/result.ts';
import type { PlannedChanges, TransactionMoment } from '../store/transaction.ts';
import { decodeFence, encodeFence, nextFence } from './fence.ts';
import { entryOfFence, entryOfLock, type LockName } from './lock-names.ts';

/** A lock that is held. */
export interface HeldLock extends LockName {
  readonly fence: number;
  /** Unix milliseconds by the store's time. */
  readonly expiresAt: number;
}

/** A lock as its entry has it. */
interface LockRecord {
  readonly fence: number;
  readonly userId: string;
}

/** A change of one lock, or none, as one transaction. It has to be synced. */
export interface LockTransaction<Output> {
  readonly names: readonly EntryName[];
  readonly plan: (moment: TransactionMoment) => PlannedChanges<Output>;
}

/** The holder as it proves itself: by a fence, and as the user that has taken the lock. */
export interface Holder {
  readonly fences: readonly number[];
  readonly userId: string;
}

function encodeLock({ fence, userId }: LockRecord): Buffer {
  return Buffer.from(JSON.stringify({ fence, userId }));
}

function decodeLock({ value = new Uint8Array() }: EntryResult): LockRecord {
  return JSON.parse(Buffer.from(value).toString('utf8')) as LockRecord;
}

function expiryOf({ expiresAt }: EntryResult): number {
  if (expiresAt === undefined) throw new Error('each lock has a deadline');
  return expiresAt;
}

export function lockHeld({ name }: LockName, expiresAt: number, now: number): StoreError {
  const text = JSON.stringify(textOfByteString(name));
  const detail = `The lock ${text} is held, or others wait for it. Nothing was done: ask again, or with wait.`;
  const retryAfterMs = Math.max(1, expiresAt - now);
  return new StoreError('LOCK_HELD', detail, { retryable: true, retryAfterMs, expiresAt });
}

function lockLost({ name }: LockName): StoreError {
  const text = JSON.stringify(textOfByteString(name));
  const detail = `The lock ${text} is not held with this fence by this user. Nothing was done.`;
  return new StoreError('CONDITION_FAILED', detail, { parameter: 'If-Match' });
}

export function noSuchLock({ name }: LockName): StoreError {
  const detail = `The lock ${JSON.stringify(textOfByteString(name))} is not held.`;
  return new StoreError('LOCK_NOT_FOUND', detail);
}

/** @returns undefined if the entry has expired or there is none */
export function heldLockOf(lock: LockName, entry: EntryResult | undefined): HeldLock | undefined {
  if (entry === undefined) return undefined;
  const { namespace, name } = lock;
  return { namespace, name, fence: decodeLock(entry).fence, expiresAt: expiryOf(entry) };
}

export interface TakeOptions {
  readonly ttlMs: number;
  readonly userId: string;
  /** False while others wait who came before. Asked once it is known whether the lock is free. */
  readonly mayTake: () => boolean;
}

/** The plan throws LOCK_HELD if the lock is held, or may not be taken. */
export function taking(
  lock: LockName,
  { ttlMs, userId, mayTake }: TakeOptions,
): LockTransaction<HeldLock> {
  const { namespace, name } = lock;
  return {
    names: [entryOfLock(lock), entryOfFence(namespace)],
    plan: ({ entries: [held, last], now }) => {
      if (held !== undefined) throw lockHeld(lock, expiryOf(held), now);
      if (!mayTake()) throw lockHeld(lock, now, now);
      const lastFence = last?.value === undefined ? undefined : decodeFence(last.value);
      const fence = nextFence(lastFence, now);
      const expiresAt = now + ttlMs;
      return {
        output: { namespace, name, fence, expiresAt },
        changes: [
          { value: encodeLock({ fence, userId }), expiresAt },
          { value: encodeFence(fence), expiresAt: undefined },
        ],
      };
    },
  };
}

function isHeldBy(entry: EntryResult | undefined, { fences, userId }: Holder): boolean {
  if (entry === undefined) return false;
  const record = decodeLock(entry);
  return record.userId === userId && fences.includes(record.fence);
}

/** The new deadline counts from now. The plan throws CONDITION_FAILED if the lock was lost. */
export function renewing(
  lock: LockName,
  { ttlMs, ...holder }: Holder & { readonly ttlMs: number },
): LockTransaction<HeldLock> {
  const { namespace, name } = lock;
  return {
    names: [entryOfLock(lock)],
    plan: ({ entries: [held], now }) => {
      if (held?.value === undefined || !isHeldBy(held, holder)) throw lockLost(lock);
      const { fence } = decodeLock(held);
      const expiresAt = now + ttlMs;
      return {
        output: { namespace, name, fence, expiresAt },
        changes: [{ value: held.value, expiresAt }],
      };
    },
  };
}

/**
 * The plan throws CONDITION_FAILED if the lock was lost.
 *
 * @param holder `anyone`: releases the lock of any holder; it succeeds also if the lock is free
 */
export function releasing(lock: LockName, holder: Holder | 'anyone'): LockTransaction<undefined> {
  return {
    names: [entryOfLock(lock)],
    plan: ({ entries: [held] }) => {
      if (holder !== 'anyone' && !isHeldBy(held, holder)) throw lockLost(lock);
      return { output: undefined, changes: [held === undefined ? undefined : 'delete'] };
    },
  };
}
