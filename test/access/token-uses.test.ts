import { beforeEach, describe, expect, test } from 'vitest';
import { usePrecisionMs } from '../../src/access/token-uses.ts';
import type { Caller } from '../../src/access/caller.ts';
import { openTestAccess, tokenRequest, type TestAccess } from '../support/access/test-access.ts';
import { DoubtfulStore } from '../support/stores/doubtful-store.ts';
import { ModelStore } from '../support/stores/model-store.ts';

const minuteMs = 60_000;

let store: ModelStore;
let access: TestAccess;
let caller: Caller;

beforeEach(async () => {
  store = new ModelStore();
  await open();
});

async function open(): Promise<void> {
  access = await openTestAccess(store);
  await access.administration.putUser('ann', { isDisabled: false });
  caller = await make();
}

async function make(): Promise<Caller> {
  const { token } = await access.administration.createToken('ann', tokenRequest());
  const found = access.callers.find(token, access.nowMs);
  if (found === undefined) throw new Error('not found');
  return found;
}

function note(): void {
  access.uses.note(caller, access.nowMs());
}

const shown = (): unknown[] => access.administration.tokens('ann').map((view) => view.lastUsedAt);

async function storedUses(): Promise<number> {
  return [...store.entries.keys()].filter((name) => name.includes('use/')).length;
}

test('a token that was never used has no time of use', async () => {
  expect(shown()).toEqual([undefined]);
  expect(access.administration.tokens('ann')[0]).not.toHaveProperty('lastUsedAt');
});

test('the first use is noted at once, written later, and there behind a restart', async () => {
  note();
  const usedAt = access.clock.wallMs();
  expect([shown(), await storedUses()]).toEqual([[usedAt], 0]);
  await access.timers.run();
  expect([shown(), await storedUses()]).toEqual([[usedAt], 1]);
  access = await openTestAccess(store);
  expect(shown()).toEqual([usedAt]);
});

test('later uses are written every ten minutes at most', async () => {
  note();
  const usedAt = access.clock.wallMs();
  await access.timers.run();
  access.clock.advance(usePrecisionMs - 1);
  note();
  expect([shown(), access.timers.waiting]).toEqual([[usedAt], 0]);
  access.clock.advance(1);
  note();
  note();
  expect([shown(), access.timers.waiting]).toEqual([[usedAt + 10 * minuteMs], 1]);
});

test('uses of many tokens are written together', async () => {
  const others = await Promise.all(Array.from({ length: 1100 - 101 }, make));
  for (const other of [caller, ...others]) access.uses.note(other, access.nowMs());
  expect(access.timers.waiting).toBe(1);
  await access.timers.run();
  expect(await storedUses()).toBe(1000);
});

test('a use of a token that is revoked before the write leaves nothing', async () => {
  await make();
  note();
  await access.administration.deleteToken('ann', caller.token?.id ?? '');
  await access.timers.run();
  expect(await storedUses()).toBe(0);
});

test('deleting a token or its user deletes the time of use, too', async () => {
  const second = await make();
  await access.administration.putUser('ben', { isDisabled: false });
  await access.administration.createToken('ben', tokenRequest());
  note();
  access.uses.note(second, access.nowMs());
  await access.timers.run();
  await access.administration.deleteToken('ann', caller.token?.id ?? '');
  expect(await storedUses()).toBe(1);
  await access.administration.deleteUser('ann');
  expect(await storedUses()).toBe(0);
});

test('callers without a token of the store are not noted', () => {
  access.uses.note(access.callers.anonymous, access.nowMs());
  expect(access.timers.waiting).toBe(0);
});

test('the end of the server writes what is noted', async () => {
  note();
  await access.close();
  expect(await storedUses()).toBe(1);
});

describe('times that cannot be written', () => {
  test('are counted, and nothing else fails', async () => {
    note();
    await store.close();
    await access.timers.run();
    expect(access.uses.failures).toBe(1);
    expect(shown()).toEqual([access.clock.wallMs()]);
  });

  test('while the outcome of a change is unknown, are counted', async () => {
    const doubtful = new DoubtfulStore();
    store = doubtful;
    await open();
    doubtful.isAway = true;
    doubtful.fates.push('made');
    const work = access.administration.putUser('ben', { isDisabled: false });
    await expect(work).rejects.toMatchObject({ outcome: 'unknown' });
    note();
    await access.timers.run();
    await access.uses.write();
    expect([access.uses.failures, await storedUses()]).toEqual([1, 0]);
  });
});
