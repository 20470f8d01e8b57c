// Measures layers alone: frames between threads, a shard, a journal, a snapshot, the way to a shard's
// thread and back, and whole requests without sockets. One process, real files, 100-byte values. Each layer works for short
// rounds. Prints microseconds an operation: the better quartile of the rounds, and the spread.
//
//   npm run bench:layers -- --rounds 8 --milliseconds 300
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { systemClock } from '../src/base/clock.ts';
import type { FsyncMode } from '../src/base/fsync-mode.ts';
import { openEmbeddedStore } from '../src/engine/open-embedded-store.ts';
import { decodeBatch, encodeBatch } from '../src/protocol/batch-frame.ts';
import type { ShardOperation } from '../src/protocol/shard-operation.ts';
import { OpenedShard } from '../src/shard/opened-shard.ts';
import type { Shard } from '../src/shard/shard.ts';
import { createShardFolder } from '../src/storage/create-shard-folder.ts';
import { createSnapshot } from '../src/storage/create-snapshot.ts';
import { JournalWriter } from '../src/storage/journal-writer.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';
import { encodeEntryOf, encodePut } from '../src/storage/record.ts';
import type { CommandStore } from '../src/store/store.ts';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import { laneLayers } from './lane-layers.ts';
import type { Layer } from './layer.ts';
import { machineFacts } from './machine-facts.ts';
import { runScript, withBelongings, type Belongings } from './measuring/belongings.ts';
import { summarize } from './measuring/quartiles.ts';
import { markdownTable } from './report/table.ts';
import { seededValue } from './rows/values.ts';
import { keyOf, randomStream } from './workload.ts';

const identity = { store: '00000000-0000-4000-8000-000000000000', shard: 0 };
const namespace = 'default';
const keys = 100_000;
const valueBytes = 100;
const snapshotEntries = 20_000;
/** As many as 64 connections bring to one of two shards at once. */
const batchLength = 20;
const concurrent = 64;

interface Plan {
  readonly rounds: number;
  readonly milliseconds: number;
}

const random = randomStream(1);
const drawIndex = (): number => Math.floor(random() * keys);

function get(index: number): ShardOperation & { op: 'get' } {
  return { op: 'get', namespace, key: keyOf(index) };
}

function put(index: number): ShardOperation & { op: 'put' } {
  const value = Buffer.from(seededValue(index, 0, valueBytes));
  return { op: 'put', namespace, key: keyOf(index), value };
}

function batchOf(make: (index: number) => ShardOperation, length = batchLength): ShardOperation[] {
  return Array.from({ length }, () => make(drawIndex()));
}

async function openShard(belongings: Belongings, fsync: FsyncMode): Promise<Shard> {
  const folder = join(await belongings.folder(), 'shard-0000');
  createShardFolder(nodeFileSystem, folder, identity);
  const place = { folder, name: 'shard-0000', identity, fileSystem: nodeFileSystem };
  const opened = new OpenedShard({ ...place, fsync, clock: systemClock });
  return opened.start({ timestamp: Date.now(), outcomes: new Map(), inFlight: new Set() });
}

function apply(shard: Shard, operations: readonly ShardOperation[]): number {
  const { results } = shard.apply({ timestamp: Date.now(), operations });
  const refused = results.find(({ kind }) => kind === 'refused' || kind === 'missing');
  if (refused !== undefined) throw new Error(`a shard answered ${JSON.stringify(refused)}`);
  return operations.length;
}

async function shardLayers(belongings: Belongings): Promise<Layer[]> {
  const shard = await openShard(belongings, 'interval');
  for (let from = 0; from < keys; from += 1000) {
    apply(
      shard,
      Array.from({ length: 1000 }, (_, offset) => put(from + offset)),
    );
  }
  const synced = await openShard(belongings, 'always');
  return [
    { name: 'shard, get', step: () => apply(shard, batchOf(get)) },
    { name: 'shard, put, not synced', step: () => apply(shard, batchOf(put)) },
    { name: 'shard, put, synced', step: () => apply(synced, batchOf(put)) },
  ];
}

function carryFrame(): number {
  const request = { timestamp: Date.now(), operations: batchOf(put) };
  return decodeBatch(encodeBatch(request)).operations.length;
}

async function journalLayer(belongings: Belongings): Promise<Layer> {
  const file = nodeFileSystem.create(join(await belongings.folder(), 'journal'));
  const header = { ...identity, generation: 1, seq: 1, at: 0, previous: null };
  const writer = JournalWriter.begin(file, { ...header, fsync: 'interval' });
  const step = (): number => {
    const records = Array.from({ length: batchLength }, () => {
      const index = drawIndex();
      return encodePut(namespace, keyOf(index), seededValue(index, 0, valueBytes), undefined);
    });
    writer.append(records, Date.now());
    return records.length;
  };
  return { name: 'journal, append', step };
}

async function snapshotLayer(belongings: Belongings): Promise<Layer> {
  const folder = await belongings.folder();
  let generation = 0;
  const step = (): number => {
    generation += 1;
    createSnapshot(nodeFileSystem, folder, { ...identity, generation }, (writer) => {
      for (let index = 0; index < snapshotEntries; index++) {
        const value = seededValue(index, 0, valueBytes);
        writer.add(namespace, encodeEntryOf(keyOf(index), index + 1, value, undefined));
      }
      return writer.finish(snapshotEntries + 1, Date.now());
    });
    return snapshotEntries;
  };
  return { name: 'snapshot, an entry', step };
}

async function openStore(belongings: Belongings): Promise<CommandStore> {
  const store = await openEmbeddedStore({
    dataDir: join(await belongings.folder(), 'data'),
    shards: 2,
    fsync: 'interval',
    fsyncIntervalMs: 1000,
    // Reads must reach the threads.
    directReads: false,
    compactJournalBytes: 1024 ** 3,
    shardHeapMiB: 1024,
    logger: pino({ level: 'silent' }),
    clock: systemClock,
  });
  belongings.add(() => store.close());
  return store;
}

/** Includes the work of the shards. The difference to their own rows is the way. */
async function hopLayers(belongings: Belongings): Promise<Layer[]> {
  const store = await openStore(belongings);
  const submit = async (make: typeof get | typeof put): Promise<number> => {
    const some = Array.from({ length: concurrent }, async () => store.submit(make(drawIndex())));
    const results = await Promise.all(some);
    const refused = results.find(({ kind }) => kind === 'refused');
    if (refused !== undefined) throw new Error(`a store answered ${JSON.stringify(refused)}`);
    return results.length;
  };
  return [
    { name: 'to a thread and back, get', step: () => submit(get) },
    { name: 'to a thread and back, put', step: () => submit(put) },
  ];
}

/** @returns operations a second of each round */
async function measure({ step }: Layer, { rounds, milliseconds }: Plan): Promise<number[]> {
  const rates: number[] = [];
  // The first round warms up: compiling code must not count.
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now();
    let [operations, tookMs] = [0, 0];
    while (tookMs < milliseconds) {
      operations += await step();
      tookMs = performance.now() - begun;
    }
    if (round > 0) rates.push((operations * 1000) / tookMs);
  }
  return rates;
}

/** @param rate operations a second */
function microseconds(rate: number): string {
  return (1e6 / rate).toFixed(2);
}

async function run(plan: Plan, belongings: Belongings): Promise<void> {
  process.stdout.write(`${machineFacts(await belongings.folder())}\n\n`);
  const layers = [
    { name: 'frame of puts, there', step: carryFrame },
    await journalLayer(belongings),
    await snapshotLayer(belongings),
    ...(await shardLayers(belongings)),
    ...(await hopLayers(belongings)),
    ...(await laneLayers(belongings)),
  ];
  const rows = [['layer', 'µs', 'least–most']];
  for (const layer of layers) {
    const { better, least, most } = summarize(await measure(layer, plan));
    const spread = `${microseconds(most)}–${microseconds(least)}`;
    rows.push([layer.name, microseconds(better), spread]);
  }
  process.stdout.write(markdownTable(rows));
}

const limitMs = 30 * 60 * 1000;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '8' },
      milliseconds: { type: 'string', default: '300' },
    },
  });
  const plan = {
    rounds: wholeNumber('--rounds', values.rounds, 1),
    milliseconds: wholeNumber('--milliseconds', values.milliseconds, 1),
  };
  await withBelongings(limitMs, (belongings) => run(plan, belongings));
});
