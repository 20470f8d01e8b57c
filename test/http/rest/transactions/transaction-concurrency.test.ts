// Many clients at once, over real threads and files. No reader ever sees half a transfer, and no
// client waits for ever.
import { describe, expect, test } from 'vitest';
import { pickFrom, randomBelow, seededRandom, type Random } from '../../../support/random.ts';
import { openShardedApp } from '../../../support/http/open-sharded-app.ts';
import { transact, type TransactionResult } from '../../../support/http/post-transaction.ts';

const accounts = Array.from({ length: 9 }, (_, index) => `account/${index}`);
const total = accounts.length * 100;

/** So many different accounts, in random order. */
function someAccounts(random: Random, count: number): string[] {
  const left = [...accounts];
  return Array.from({ length: count }, () => {
    const [taken = ''] = left.splice(randomBelow(random, left.length), 1);
    return taken;
  });
}

const numberOf = ({ value }: TransactionResult): number => Number(value);

const sumOf = (results: readonly { readonly value?: string }[]): number =>
  results.reduce((sum, { value }) => sum + Number(value), 0);

const gets = accounts.map((key) => ({ op: 'get', key }));

async function openAccounts(url: string): Promise<void> {
  const operations = accounts.map((key) => ({ op: 'put', key, value: '100' }));
  expect(await transact(url, { operations })).toMatchObject({ committed: true });
}

/** Any number of accounts pay the first one by increments, without a read. */
async function moveByIncrements(url: string, random: Random): Promise<void> {
  const [first = '', ...others] = someAccounts(random, 2 + randomBelow(random, 4));
  const operations = [
    { op: 'increment', key: first, by: others.length * 5 },
    ...others.map((key) => ({ op: 'increment', key, by: -5 })),
  ];
  const { committed, results } = await transact(url, { operations });
  expect([committed, results.length]).toEqual([true, operations.length]);
}

/**
 * Reads, computes, and writes if no version has changed. Repeats this until it commits.
 *
 * @returns the number of attempts
 */
async function moveByVersions(url: string, random: Random): Promise<number> {
  const [from = '', to = ''] = someAccounts(random, 2);
  const look = [
    { op: 'get', key: from },
    { op: 'get', key: to },
  ];
  let attempts = 1;
  let read = (await transact(url, { operations: look })).results;
  for (;;) {
    const [a, b] = read as [TransactionResult, TransactionResult];
    const moved = {
      checks: [
        { key: from, version: a.version },
        { key: to, value: b.value },
      ],
      operations: [
        { op: 'put', key: from, value: `${numberOf(a) - 1}` },
        { op: 'put', key: to, value: `${numberOf(b) + 1}` },
      ],
      otherwise: look,
    };
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const { committed, results } = await transact(url, moved);
    if (committed) return attempts;
    attempts += 1;
    read = results;
  }
}

async function readTogether(url: string): Promise<number> {
  return sumOf((await transact(url, { operations: gets })).results);
}

async function readOtherwise(url: string): Promise<number> {
  const checks = [{ key: 'account/0', exists: false }];
  const operations = [{ op: 'delete', key: 'account/1' }];
  return sumOf((await transact(url, { checks, operations, otherwise: gets })).results);
}

async function readPage(url: string): Promise<number> {
  const reply = await fetch(`${url}/v1/keys?prefix=account/&include=values`);
  return sumOf(((await reply.json()) as { items: { value: string }[] }).items);
}

async function readBatch(url: string): Promise<number> {
  const body = JSON.stringify({ operations: gets });
  const reply = await fetch(`${url}/v1/batch`, { method: 'POST', body });
  return sumOf(((await reply.json()) as { results: { value: string }[] }).results);
}

const readers = [readTogether, readOtherwise, readPage, readBatch];

/** Each client does this so many times, one after the other. */
async function atOnce(clients: number, rounds: number, work: (random: Random) => Promise<unknown>) {
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const random = seededRandom(client + 1);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      for (let round = 0; round < rounds; round++) await work(random);
    }),
  );
}

describe.each(['always', 'interval'] as const)('with fsync %s', (fsync) => {
  test('an amount moved between accounts is never missing and never there twice', async () => {
    const { url } = await openShardedApp({ fsync });
    await openAccounts(url);
    const sums = new Set<number>();
    let attempts = 0;
    await Promise.all([
      atOnce(12, 25, (random) => moveByIncrements(url, random)),
      atOnce(6, 10, async (random) => {
        const needed = await moveByVersions(url, random);
        attempts += needed;
      }),
      atOnce(8, 25, async (random) => sums.add(await pickFrom(random, readers)(url))),
    ]);
    expect([...sums]).toEqual([total]);
    expect(await readTogether(url)).toBe(total);
    expect(await readPage(url)).toBe(total);
    // With fewer attempts, the clients never met, and the test shows nothing.
    expect(attempts).toBeGreaterThan(6 * 10);
  });
});

test('many transactions on all keys, in any order, all have their turn', async () => {
  const { url } = await openShardedApp();
  await openAccounts(url);
  await atOnce(24, 10, async (random) => {
    const operations = someAccounts(random, accounts.length).map((key) => ({
      op: 'increment',
      key,
    }));
    await transact(url, { operations });
  });
  expect(await readTogether(url)).toBe(total + 240 * accounts.length);
});

test('single writes and commands among transactions on the same keys lose nothing', async () => {
  const { url } = await openShardedApp();
  await openAccounts(url);
  await Promise.all([
    atOnce(8, 20, (random) => moveByIncrements(url, random)),
    atOnce(8, 20, async (random) => {
      const reply = await fetch(
        `${url}/upstash/incr/${encodeURIComponent(pickFrom(random, accounts))}`,
      );
      expect(reply.status).toBe(200);
    }),
  ]);
  expect(await readTogether(url)).toBe(total + 160);
});

test('of many claims on the same keys one is granted', async () => {
  const { url } = await openShardedApp();
  const claims = Array.from({ length: 40 }, async (_, client) => {
    const keys = ['seat/1', 'seat/2', 'seat/3'];
    const { committed } = await transact(url, {
      checks: keys.map((key) => ({ key, exists: false })),
      operations: keys.map((key) => ({ op: 'put', key, value: `${client}` })),
    });
    return committed;
  });
  expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
});
