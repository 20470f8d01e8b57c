// Stores after a kill in the middle of a transaction over two of three shards. There is one store
// for each state in which a kill can leave it.
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import { MemoryFileSystem } from './memory-file-system.ts';
import { ShardedFiles, type ReadEntry } from './sharded-files.ts';

export const transaction = 'the-one';

/**
 * In the first shard, `b` changes and `alice` is deleted. In the second, `c` changes and `g` is new.
 */
const changes = [
  ['b', '2'],
  ['alice', undefined],
  ['c', '2'],
  ['g', '2'],
] as const;

const before = { a: '1', alice: '1', b: '1', c: '1' };
const after = { a: '1', b: '2', c: '2', g: '2' };

export interface LeftTransaction {
  readonly state: string;
  readonly isCommitted: boolean;
  /** Shards that have prepared the transaction and have no outcome. */
  readonly inDoubtIn: readonly number[];
  readonly leave: (store: ShardedFiles) => void;
  /** The transaction clears the namespace first, so all three shards are participants. */
  readonly clears?: true;
}

export const leftTransactions: readonly LeftTransaction[] = [
  {
    state: 'all participants have prepared it, and none has an outcome',
    isCommitted: true,
    inDoubtIn: [0, 1],
    leave: (store) => store.prepare(transaction, changes),
  },
  {
    state: 'one participant has not prepared it',
    isCommitted: false,
    inDoubtIn: [0],
    leave: (store) => store.prepare(transaction, changes, [0]),
  },
  {
    state: 'one participant has recorded the commit',
    isCommitted: true,
    inDoubtIn: [1],
    leave: (store) => {
      store.prepare(transaction, changes);
      store.resolve(transaction, true, [0]);
    },
  },
  {
    state: 'one participant has recorded the abort',
    isCommitted: false,
    inDoubtIn: [0],
    leave: (store) => {
      store.prepare(transaction, changes);
      store.resolve(transaction, false, [1]);
    },
  },
  {
    state: 'a compaction has written its prepare records again, without an outcome',
    isCommitted: true,
    inDoubtIn: [0, 1],
    leave: (store) => {
      store.prepare(transaction, changes);
      compactAway(store, 0);
    },
  },
  {
    state: 'a compaction has written its only prepare record again',
    isCommitted: false,
    inDoubtIn: [1],
    leave: (store) => {
      store.prepare(transaction, changes, [1]);
      compactAway(store, 1);
    },
  },
  {
    state: 'a compaction has folded it in one shard, committed',
    isCommitted: true,
    inDoubtIn: [1],
    leave: (store) => {
      store.prepare(transaction, changes);
      store.resolve(transaction, true, [0]);
      compactAway(store, 0);
    },
  },
  {
    state: 'a compaction has folded it in one shard, not committed',
    isCommitted: false,
    inDoubtIn: [1],
    leave: (store) => {
      store.prepare(transaction, changes);
      store.resolve(transaction, false, [0]);
      compactAway(store, 0);
    },
  },
  {
    state: 'its outcome is recorded while a compaction is running',
    isCommitted: true,
    inDoubtIn: [0],
    leave: (store) => {
      store.prepare(transaction, changes);
      const end = store.beginCompaction(1);
      store.resolve(transaction, true, [1]);
      end();
    },
  },
  {
    state: 'it clears a namespace, all have prepared it, and none has an outcome',
    isCommitted: true,
    inDoubtIn: [0, 1, 2],
    leave: (store) => store.prepare(transaction, changes, undefined, ['default']),
    clears: true,
  },
  {
    state: 'it clears a namespace, and one participant has not prepared it',
    isCommitted: false,
    inDoubtIn: [0, 2],
    leave: (store) => {
      store.prepare(transaction, changes, [0, 2], ['default']);
      compactAway(store, 0);
    },
  },
  {
    state: 'it clears a namespace, and one shard has recorded the commit',
    isCommitted: true,
    inDoubtIn: [0, 2],
    leave: (store) => {
      store.prepare(transaction, changes, undefined, ['default']);
      compactAway(store, 0);
      store.resolve(transaction, true, [1]);
      compactAway(store, 1);
    },
    clears: true,
  },
  {
    state: 'every shard has recorded its outcome and one has folded it',
    isCommitted: true,
    inDoubtIn: [],
    leave: (store) => {
      store.prepare(transaction, changes);
      store.resolve(transaction, true, [0, 1]);
      store.forget(transaction, [0, 1]);
      compactAway(store, 1);
    },
  },
];

/** Compacts twice, so that no earlier file is left. */
function compactAway(store: ShardedFiles, shard: number): void {
  store.compact(shard);
  store.write([[shard === 0 ? 'f' : 'k', '1']]);
  store.write([[shard === 0 ? 'f' : 'k', undefined]]);
  store.compact(shard);
}

export interface LeftStore extends ShardedFiles {
  readonly fileSystem: MemoryFileSystem;
}

/** Makes the store. Its shards have started and not stopped. */
export function leaveTransaction(
  { leave }: Pick<LeftTransaction, 'leave'>,
  dataDir: string,
  fsync?: FsyncMode,
): LeftStore {
  const fileSystem = new MemoryFileSystem();
  const store = new ShardedFiles(fileSystem, dataDir, 3);
  store.start(fsync);
  store.write(Object.entries(before));
  leave(store);
  return Object.assign(store, { fileSystem });
}

/** The entries that the next start serves, by key. The start runs on a copy. */
export function servedByStart(files: MemoryFileSystem, dataDir: string): Map<string, ReadEntry> {
  const store = new ShardedFiles(files.copy(), dataDir, 3);
  store.start();
  return store.entries();
}

/** Values that a start serves, by key. */
export function servedAfter({
  isCommitted,
  clears,
}: Pick<LeftTransaction, 'isCommitted' | 'clears'>): Record<string, string> {
  const { a, ...changed } = after;
  if (!isCommitted) return before;
  return clears === true ? changed : { a, ...changed };
}
