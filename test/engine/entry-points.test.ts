// A thread's entry point exports each task by name. A missing export would fail only at the first call.
import { expect, test } from 'vitest';
import { shardTasks } from '../../src/shard/tasks/shard-tasks.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

test("a shard's thread takes every task that a shard has, and batches by a port", async () => {
  const entryPoint: object = await import('../../workers/shard.ts');
  const tasks = shardTasks({ fileSystem: new MemoryFileSystem(), clock: new ManualClock() });
  const ofPool = Object.keys(tasks).filter((name) => name !== 'batch');
  expect(Object.keys(entryPoint).toSorted()).toEqual([...ofPool, 'attach'].toSorted());
});
