// Direct reads while the threads of the shards write: no read may see anything but the last value that
// was acknowledged. The threads are real, so this looks for races of memory.
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Operation } from '../../src/store/operation.ts';
import type { CommandStore } from '../../src/store/store.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';

let store: CommandStore | undefined;
let folder: TestFolder | undefined;
afterEach(async () => {
  await store?.close();
  await folder?.remove();
});

const namespace = 'default';
const stableCount = 2000;
const rounds = 60;
const valueOf = (n: number): Buffer => Buffer.from(`stable ${n} `.repeat(1 + (n % 40)));

function put(key: string, value: Buffer): Operation {
  return { op: 'put', namespace, key, value };
}

/** A number below `max` that looks random, and is the same in each run. */
function numbers(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % max;
  };
}

test('direct reads give what was acknowledged, while threads write, move and drop entries', async () => {
  folder = await makeTestFolder();
  const opened = await openTestStore(folder.path, { clock: systemClock, fsync: 'never' });
  store = opened;
  const below = numbers(7);
  const stable = Array.from({ length: stableCount }, (_, n) => put(`stable-${n}`, valueOf(n)));
  await opened.submitAll(stable);
  let wrong = 0;
  const readSome = (): void => {
    for (let read = 0; read < 300; read++) {
      const n = below(stableCount);
      const result = opened.submit({ op: 'get', namespace, key: `stable-${n}` });
      // A promise: a change of an entry in the same slot is under way.
      if (result instanceof Promise) continue;
      const value = result.kind === 'entry' ? result.value : undefined;
      if (value === undefined || !valueOf(n).equals(value)) wrong += 1;
    }
  };
  for (let round = 0; round < rounds; round++) {
    const operations = Array.from({ length: 4000 }, (): Operation => {
      const key = `churn-${below(30_000)}`;
      if (below(4) === 0) return { op: 'delete', namespace, key };
      return put(key, Buffer.alloc(below(round % 10 === 0 ? 4000 : 200), round));
    });
    const writing = { isDone: false };
    const written = Promise.resolve(opened.submitAll(operations)).finally(() => {
      writing.isDone = true;
    });
    while (!writing.isDone) {
      readSome();
      // Answers come between turns.
      // oxlint-disable-next-line no-await-in-loop
      await new Promise(setImmediate);
    }
    // oxlint-disable-next-line no-await-in-loop
    await written;
  }
  const { direct } = opened.status().reads;
  console.log(`direct reads beside writing threads: ${direct}`);
  expect(wrong).toBe(0);
  expect(direct).toBeGreaterThan(10_000);
}, 120_000);
