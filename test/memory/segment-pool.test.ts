import { expect, test } from 'vitest';
import { EntryPieces, segmentBytes } from '../../src/memory/entry-pieces.ts';
import { NewsOfMemory } from '../../src/memory/memory-news.ts';
import { SegmentPool } from '../../src/memory/segment-pool.ts';

function newPool() {
  const news = new NewsOfMemory();
  return { news, pool: new SegmentPool(new EntryPieces(), news) };
}

test('a segment that was given back is used again in a later batch, and is no news', () => {
  const { pool, news } = newPool();
  const first = pool.take();
  pool.giveBack(first);
  const second = pool.take();
  expect(second).not.toBe(first);
  expect(news.take()?.pieces.map(({ index }) => index)).toEqual([0, 1]);
  pool.reuseReleased();
  expect(pool.take()).toBe(first);
  expect(news.take()).toBeUndefined();
});

test('all segments that were cleared are used again, are empty, and are news', () => {
  const { pool, news } = newPool();
  const taken = Array.from({ length: 20 }, () => pool.take());
  for (const segment of taken) segment.end = segment.live = 800;
  expect(pool.bytes).toBe(20 * segmentBytes);
  news.take();
  pool.clear();
  expect(pool.bytes).toBe(0);
  pool.reuseReleased();
  const again = taken.map(() => pool.take());
  expect(new Set(again)).toEqual(new Set(taken));
  for (const segment of again) expect(segment).toMatchObject({ end: 0, live: 0 });
  const told = news.take()?.pieces ?? [];
  expect(new Set(told.map(({ memory }) => memory))).toEqual(
    new Set(taken.map(({ memory }) => memory)),
  );
});
