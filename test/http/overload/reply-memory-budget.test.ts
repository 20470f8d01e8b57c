import { expect, test } from 'vitest';
import type { StoreError } from '../../../src/base/errors.ts';
import { ReplyMemoryBudget } from '../../../src/http/overload/reply-memory-budget.ts';

type Refuse = (bytes: number) => StoreError | undefined;

function codesOf(refuse: Refuse, sizes: readonly number[]): (string | undefined)[] {
  return sizes.map((size) => refuse(size)?.code);
}

test('one request gathers a bounded number of bytes, and a small value may still fit', async () => {
  const values = new ReplyMemoryBudget({ bytesMax: 1000, requestBytesMax: 100 });
  const codes = await values.during(async (refuse) => codesOf(refuse, [60, 41, 40, 1]));
  expect(codes).toEqual([undefined, 'REPLY_TOO_LARGE', undefined, 'REPLY_TOO_LARGE']);
  expect(values.bytes).toBe(0);
});

test('all requests together gather a bounded number of bytes, until one of them has ended', async () => {
  const values = new ReplyMemoryBudget({ bytesMax: 150, requestBytesMax: 100 });
  const ends: (() => void)[] = [];
  const first = values.during(async (refuse) => {
    const codes = codesOf(refuse, [100]);
    await new Promise<void>((resolve) => ends.push(resolve));
    return codes;
  });
  expect(values.bytes).toBe(100);
  const second = (sizes: number[]) => values.during(async (refuse) => codesOf(refuse, sizes));
  expect(await second([51, 50, 1])).toEqual(['OVERLOADED', undefined, 'OVERLOADED']);
  for (const end of ends) end();
  expect(await first).toEqual([undefined]);
  expect(await second([100])).toEqual([undefined]);
});

test('a request that fails frees its bytes', async () => {
  const values = new ReplyMemoryBudget({ bytesMax: 100, requestBytesMax: 100 });
  const failing = values.during(async (refuse) => {
    refuse(10);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(values.bytes).toBe(0);
});
