// Kills a shard, or cuts its power, at each single call into the file system. The shard starts,
// writes, changes journals, is compacted, leaves marks and stops meanwhile.
import { describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import type { Operation } from '../../src/store/operation.ts';
import { cutAtEach, recordCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';
import { compactShard, openShard, valuesOf } from '../support/disk/shard-files.ts';
import { put, remove } from '../support/stores/operations.ts';

/** The contents after the last acknowledged step, and those with the step in flight on top. */
interface Progress {
  acknowledged: string[];
  underWay: string[] | undefined;
  highestVersion: number;
}

type Step = Operation | 'compact' | 'restart' | 'mark' | 'stop';

const steps: readonly Step[] = [
  put('a', '1'), put('b', 'x'.repeat(300)), 'compact', put('a', '2'), remove('b'), 'mark',
  'restart', put('c', '3'), 'compact', put('d', '4'), 'compact', put('a', '5'), 'stop', 'restart',
  put('e', '6'), 'compact', remove('a'), 'stop',
]; // prettier-ignore

/** Key and value of every entry, after a step. */
function applied(contents: ReadonlyMap<string, string>, step: Step): Map<string, string> {
  const next = new Map(contents);
  if (typeof step === 'string') return next;
  if (step.op === 'put') next.set(step.key, Buffer.from(step.value).toString());
  if (step.op === 'delete') next.delete(step.key);
  return next;
}

function textOf(contents: ReadonlyMap<string, string>): string[] {
  return Array.from(contents, ([key, value]) => `${key}=${value}`).toSorted();
}

async function runUntilCut(files: MemoryFileSystem, fsync: FsyncMode): Promise<Progress> {
  const progress: Progress = { acknowledged: [], underWay: undefined, highestVersion: 0 };
  let contents = new Map<string, string>();
  try {
    let store = openShard(files, fsync);
    for (const step of steps) {
      const next = applied(contents, step);
      progress.underWay = textOf(next);
      if (step === 'compact') compactShard(files, store);
      else if (step === 'restart') store = openShard(files, fsync);
      else if (step === 'mark') store.ask({ op: 'mark' });
      else if (step === 'stop') await store.close();
      else {
        const result = await store.submit(step);
        if (result.kind === 'refused') throw new Error('cut');
        if (result.kind === 'written') progress.highestVersion = result.version;
      }
      contents = next;
      progress.acknowledged = textOf(contents);
    }
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('cut')) throw error;
  }
  return progress;
}

async function countCalls(fsync: FsyncMode): Promise<number> {
  const files = new MemoryFileSystem();
  const calls = recordCalls(files);
  await runUntilCut(files, fsync);
  return calls.length;
}

const freshDisk = (): MemoryFileSystem => new MemoryFileSystem();

describe.each(['always', 'interval', 'never'] as const)('in %s', (fsync) => {
  test('a kill at any call loses nothing acknowledged', async () => {
    const calls = await countCalls(fsync);
    expect(calls).toBeGreaterThan(60);
    for (const [fatal, files] of cutAtEach(calls, freshDisk)) {
      const { acknowledged, underWay } = await runUntilCut(files, fsync);
      // A shard's folder that is only half made is left to data-folder.ts.
      if (!files.exists('/data/shard-0000/current.json')) continue;
      const found = await valuesOf(openShard(files.copy(), fsync));
      expect([fatal, [acknowledged, underWay]]).toEqual([fatal, expect.arrayContaining([found])]);
    }
  });
});

test('in always a power cut at any call loses nothing acknowledged', async () => {
  const calls = await countCalls('always');
  for (const [fatal, files] of cutAtEach(calls, freshDisk)) {
    const { acknowledged, underWay } = await runUntilCut(files, 'always');
    if (!files.exists('/data/shard-0000/current.json')) continue;
    for (let seed = 0; seed < 8; seed++) {
      const cut = files.afterPowerCut(seededRandom(fatal * 8 + seed));
      if (!cut.exists('/data/shard-0000/current.json')) continue;
      const found = await valuesOf(openShard(cut, 'always'));
      expect([fatal, seed, [acknowledged, underWay]]).toEqual([
        fatal,
        seed,
        expect.arrayContaining([found]),
      ]);
    }
  }
});

test.each(['interval', 'never'] as const)(
  'in %s a power cut at any call leaves a store that starts and gives no version twice',
  async (fsync) => {
    const calls = await countCalls(fsync);
    for (const [fatal, files] of cutAtEach(calls, freshDisk)) {
      const { highestVersion } = await runUntilCut(files, fsync);
      for (let seed = 0; seed < 8; seed++) {
        const cut = files.afterPowerCut(seededRandom(fatal * 8 + seed));
        if (!cut.exists('/data/shard-0000/current.json')) continue;
        const written = await openShard(cut, fsync).submit(put('new', 'x'));
        const version = written.kind === 'written' ? written.version : 0;
        expect([fatal, seed, version > highestVersion]).toEqual([fatal, seed, true]);
      }
    }
  },
);
