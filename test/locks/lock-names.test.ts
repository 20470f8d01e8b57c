import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isInternalNamespace } from '../../src/base/namespace-name.ts';
import {
  entryOfFence,
  entryOfLock,
  holdsLocks,
  isEntryOfFence,
  lockOfEntry,
} from '../../src/locks/lock-names.ts';
import { shardOfKey } from '../../src/store/slot.ts';

const namespace = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/);
/** A byte string. Some look like tags of slots. */
const name = fc.oneof(
  fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.stringMatching(/^[{}a-c]{1,6}$/),
);

describe('the entry of a lock', () => {
  test('tells the lock', () => {
    const property = fc.property(fc.record({ namespace, name }), (lock) => {
      const entry = entryOfLock(lock);
      expect(lockOfEntry(entry)).toEqual(lock);
      expect(isEntryOfFence(entry)).toBe(false);
      expect(isInternalNamespace(entry.namespace)).toBe(true);
    });
    fc.assert(property);
  });

  test('is in one shard with all locks of its namespace and with the last fence', () => {
    const property = fc.property(namespace, name, fc.integer({ min: 1, max: 64 }), (...chosen) => {
      const [ofNamespace, lockName, shards] = chosen;
      const lock = entryOfLock({ namespace: ofNamespace, name: lockName });
      const shard = shardOfKey(ofNamespace, shards);
      expect(shardOfKey(lock.key, shards)).toBe(shard);
      expect(shardOfKey(entryOfFence(ofNamespace).key, shards)).toBe(shard);
    });
    fc.assert(property);
  });
});

describe('the entry of the last fence', () => {
  test('is no lock', () => {
    const property = fc.property(namespace, (of) => {
      expect(isEntryOfFence(entryOfFence(of))).toBe(true);
      expect(lockOfEntry(entryOfFence(of))).toBeUndefined();
    });
    fc.assert(property);
  });

  test('is that of its own namespace alone', () => {
    const { key } = entryOfFence('app');
    for (const other of ['~locks.other', '~kept.app', 'app', '~access']) {
      expect(isEntryOfFence({ namespace: other, key })).toBe(false);
    }
  });
});

test('no other namespace holds locks', () => {
  expect(holdsLocks('~locks.app')).toBe(true);
  for (const other of ['app', 'locks.app', '~kept.app', '~access', '~kept.~locks.app']) {
    expect(holdsLocks(other)).toBe(false);
    expect(
      lockOfEntry({ namespace: other, key: entryOfLock({ namespace: 'app', name: 'a' }).key }),
    ).toBe(undefined);
  }
});
