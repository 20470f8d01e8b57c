// Every truncation and every flipped bit of every file of a small shard.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  compactShard,
  contentsOf,
  folder,
  openShard,
  readJournal,
  startOn,
  submitEach,
} from '../../support/disk/shard-files.ts';
import { bitFlips } from '../../support/disk/file-damage.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { put, remove } from '../../support/stores/operations.ts';

const earlier = [
  put('a', 'one'),
  put('binary', Buffer.from([0, 255, 128])),
  put('é漢😀', 'text with "quotes", \n and \u{2028}'),
  put('short-lived', 'x', { ttlMs: 1_000_000 }),
];
const later = [put('a', 'two'), remove('binary'), put('b', ''), put('c', 'z'.repeat(50))];

interface Made {
  readonly files: MemoryFileSystem;
  readonly contents: string[];
  /** The contents after each acknowledged operation, in order. */
  readonly history: string[][];
}

/** A snapshot, a journal after it, and the files of the generation before. */
async function makeShard(end: 'stopped' | 'crashed'): Promise<Made> {
  const files = new MemoryFileSystem();
  const store = openShard(files);
  await submitEach(store, earlier);
  compactShard(files, store);
  const history = [await contentsOf(store)];
  for (const operation of later) {
    await store.submit(operation);
    history.push(await contentsOf(store));
  }
  const contents = await contentsOf(store);
  if (end === 'stopped') await store.close();
  return { files, contents, history };
}

const live = ['current.json', 'snapshot-000001.json', 'journal-000002.ndjson'];

function* truncations(bytes: Buffer): Generator<[what: string, bytes: Buffer], void, void> {
  for (let length = 0; length < bytes.length; length++) {
    yield [`cut to ${length} bytes`, bytes.subarray(0, length)];
  }
}

describe.each([
  ['truncation', truncations],
  ['flipped bit', bitFlips],
])('every %s', (_, faults) => {
  test.each(live)(
    'of %s after a clean stop: all is there, or the start is refused',
    async (name) => {
      const { files, contents } = await makeShard('stopped');
      const path = `${folder}/${name}`;
      const wrong: string[] = [];
      for (const [what, bytes] of faults(readJournal(files, path))) {
        const faulty = files.copy();
        faulty.put(path, bytes);
        const before = faulty.contents();
        const started = await startOn(faulty);
        if ('contents' in started) {
          if (started.contents.join() !== contents.join())
            wrong.push(`${what}: started with other contents`);
        } else if (started.refused !== 'STORE_DAMAGED' || !started.message.includes(name)) {
          wrong.push(`${what}: ${started.refused} ${started.message}`);
        } else if (!isDeepStrictEqual(faulty.contents(), before)) {
          wrong.push(`${what}: a refused start changed files`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test('of the live journal after a crash: a whole prefix is there, or the start is refused', async () => {
    const { files, history } = await makeShard('crashed');
    const path = `${folder}/journal-000002.ndjson`;
    const prefixes = history.map((contents) => contents.join());
    const wrong: string[] = [];
    const kept = new Set<number>();
    for (const [what, bytes] of faults(readJournal(files, path))) {
      const faulty = files.copy();
      faulty.put(path, bytes);
      const started = await startOn(faulty);
      if ('contents' in started) kept.add(prefixes.indexOf(started.contents.join()));
      else if (started.refused !== 'STORE_DAMAGED') wrong.push(`${what}: ${started.refused}`);
    }
    expect(wrong).toEqual([]);
    expect(kept).not.toContain(-1);
    // A flipped bit may cost only the last line, for which no mark vouches yet.
    expect(kept).toContain(later.length - 1);
  });
});
