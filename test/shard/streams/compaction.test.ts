import { expect, test } from 'vitest';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { compactShard, contentsOf, openShard, submitEach } from '../../support/disk/shard-files.ts';
import { put, remove } from '../../support/stores/operations.ts';

const large: Record<string, Buffer> = {
  plain: Buffer.alloc(70_000, 'v'),
  json: Buffer.from(JSON.stringify({ list: Array(3000).fill('a "quoted" \\ text') })),
  unicode: Buffer.from('é💾\u0000\n"'.repeat(2000)),
  binary: Buffer.from(Array.from({ length: 50_000 }, (_, n) => ((n * 7919) % 251) ^ 0x80)),
  fits: Buffer.alloc(4094, 'v'),
};

const isOld = (line: string): boolean => !/^(?:gone|new) /.test(line);

test('large values of every kind pass two compactions unchanged', async () => {
  const files = new MemoryFileSystem();
  const store = openShard(files);
  const puts = Object.entries(large).map(([key, value]) => put(key, value));
  await submitEach(store, [...puts, put('small', 'v'), put('gone', 'v'.repeat(9000))]);
  const contents = await contentsOf(store);
  compactShard(files, store);
  await submitEach(store, [remove('gone'), put('new', 'w'.repeat(9000))]);
  compactShard(files, store);
  const again = await contentsOf(openShard(files));
  expect(again.filter(isOld)).toEqual(contents.filter(isOld));
  expect(again.filter((line) => !isOld(line))).toHaveLength(1);
});
