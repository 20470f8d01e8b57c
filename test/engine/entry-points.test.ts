// A thread's entry point exports each task by name. A missing export would fail only at the first call.
import { expect, test } from 'vitest';
import { shardTasks } from '../../src/shard/tasks/shard-tasks.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

test("a shard's thread takes every task that a shard has", async () => {
  const entryPoint: object = await import('../../workers/shard.ts');
  const tasks = shardTasks({ fileSystem: new MemoryFileSystem(), clock: new ManualClock() });
  expect(Object.keys(entryPoint).toSorted()).toEqual(Object.keys(tasks).toSorted());
});
