// Clients of the real program move amounts between keys of several shards, while the program is killed
// again and again. No amount is ever half moved, and every acknowledged transfer has happened once.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transact } from '../support/http/post-transaction.ts';
import { pickFrom, seededRandom, type Random } from '../support/random.ts';
import {
  makeTemporaryFolder,
  type ProgramProcess,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

const accounts = Array.from({ length: 12 }, (_, index) => `account/${index}`);
const clients = 8;
const lives = 4;

let folder: string;
let program: ProgramProcess | undefined;

beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(async () => {
  await program?.end();
  await removeFolder(folder);
});

async function start(): Promise<string> {
  const server = await startServer(folder, ['--shards', '4']);
  program = server.program;
  return server.url;
}

async function numbersOf(url: string, keys: readonly string[]): Promise<number[]> {
  const { results } = await transact(url, { operations: keys.map((key) => ({ op: 'get', key })) });
  return results.map(({ value = '0' }) => Number(value));
}

/**
 * Moves amounts until the server is gone.
 *
 * @returns the number of acknowledged transfers
 */
async function moveUntilKilled(url: string, client: number, random: Random): Promise<number> {
  for (let acknowledged = 0; ; acknowledged++) {
    const by = 1 + Math.floor(random() * 9);
    const operations = [
      { op: 'increment', key: pickFrom(random, accounts), by },
      { op: 'increment', key: pickFrom(random, accounts), by: -by },
      { op: 'increment', key: `client/${client}` },
    ];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const outcome = await transact(url, { operations }).catch((error: unknown) => {
      // The kill cuts the connection. A kill may cause no other error.
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    if (outcome === undefined) return acknowledged;
    expect(outcome.committed).toBe(true);
  }
}

test('a kill at any moment leaves all of a transaction or nothing', async () => {
  const numbers = Array.from({ length: clients }, (_, client) => client);
  const counters = numbers.map((client) => `client/${client}`);
  let url = await start();
  let before = counters.map(() => 0);
  for (let life = 0; life < lives; life++) {
    // oxlint-disable no-await-in-loop -- one life after the other
    const moving = numbers.map((client) => {
      const random = seededRandom(life * clients + client);
      return moveUntilKilled(url, client, random);
    });
    await delay(500 + life * 150);
    await program?.end();
    const acknowledged = await Promise.all(moving);
    url = await start();
    const amounts = await numbersOf(url, accounts);
    expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(0);
    expect(amounts.some((amount) => amount !== 0)).toBe(true);
    const counted = await numbersOf(url, counters);
    for (const client of numbers) {
      const count = (counted[client] ?? 0) - (before[client] ?? 0);
      // The transfer in flight at the kill may have happened.
      const valid = [acknowledged[client], (acknowledged[client] ?? 0) + 1];
      expect(valid).toContain(count);
    }
    before = counted;
    // oxlint-enable no-await-in-loop
  }
  expect(Math.min(...before)).toBeGreaterThan(0);
}, 60_000);
