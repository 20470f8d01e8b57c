// Quotas over the real engine: threads, files, several shards.
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isResolved, resolveCommand } from '../../../src/commands/resolve-command.ts';
import { reshard } from '../../../src/tools/reshard.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import type { CommandOperation, Operation } from '../../../src/store/operation.ts';
import type { ReplyResult, Result } from '../../../src/store/result.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import type { EntryPut } from '../../../src/store/transaction.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../../support/stores/embedded-store.ts';
import { CommandExecutor } from '../../support/stores/command-executor.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import { pickFrom, randomBelow, seededRandom, type Random } from '../../support/random.ts';

const namespace = 'app';
const valueBytesMax = 1000;

let folder: TestFolder;
let clock: ManualClock;
let store: CommandStore;

async function open(shards = 3): Promise<void> {
  store = await openTestStore(folder.path, { shards, clock });
}

beforeEach(async () => {
  folder = await makeTestFolder();
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await store.close();
  await folder.remove();
});

function setQuota(quota: { keysMax?: number; bytesMax?: number }): Promise<void> {
  if (store.setQuota === undefined) throw new Error('the engine keeps quotas');
  return store.setQuota(namespace, quota);
}

function put(key: string, size = 1, more: object = {}): Operation {
  return { op: 'put', namespace, key, value: Buffer.alloc(size, 'x'), ...more };
}

function remove(key: string): Operation {
  return { op: 'delete', namespace, key };
}

function command(line: string): CommandOperation {
  const found = resolveCommand(line.split(' '));
  if (!isResolved(found) || found.command.kind !== 'keyed') throw new Error(line);
  const { command: known, args, keys } = found;
  const { name, access } = known;
  const [key = ''] = keys;
  return { op: 'command', namespace, key, name, access, args, keys, valueBytesMax };
}

const kindOf = (result: Result | ReplyResult | undefined): string =>
  result?.kind === 'refused' ? result.error.code : (result?.kind ?? 'nothing');

async function submit(operation: Operation): Promise<string> {
  return kindOf(await store.submit(operation));
}

async function figures(): Promise<{ keys: number; bytes: number }> {
  const [own] = await store.measure([namespace]);
  return { keys: own?.keys ?? 0, bytes: own?.bytes ?? 0 };
}

describe('a namespace with a quota of keys', () => {
  beforeEach(async () => {
    await setQuota({ keysMax: 3 });
    await store.submitAll([put('a'), put('b'), put('c')]);
  });

  test('takes no further key, and says how many there are', async () => {
    expect(await store.submit(put('d'))).toMatchObject({
      kind: 'refused',
      error: { code: 'QUOTA_EXCEEDED', outcome: 'not-applied', limit: 3, present: 3 },
    });
    expect(await figures()).toEqual({ keys: 3, bytes: 6 });
  });

  test('takes changes of the keys that it has', async () => {
    expect(await submit(put('a', 500))).toBe('written');
    expect(await submit(put('a', 500, { ifNoneMatch: '*' }))).toBe('condition-failed');
    expect(await submit(put('d', 1, { ifMatch: '*' }))).toBe('condition-failed');
  });

  test('takes a key for each one that is deleted, within one pipeline, too', async () => {
    expect(await submit(remove('a'))).toBe('deleted');
    expect(await submit(put('d'))).toBe('written');
    const results = await store.submitAll([put('e'), remove('b'), put('e'), put('f'), put('c', 2)]);
    expect(results.map(kindOf)).toEqual([
      'QUOTA_EXCEEDED',
      'deleted',
      'written',
      'QUOTA_EXCEEDED',
      'written',
    ]);
  });

  test('takes a key in the place of an expired one', async () => {
    await submit(remove('a'));
    await submit(put('a', 1, { ttlMs: 5 }));
    expect(await submit(put('d'))).toBe('QUOTA_EXCEEDED');
    clock.advance(5);
    expect(await submit(put('d'))).toBe('written');
    expect(await figures()).toEqual({ keys: 3, bytes: 6 });
  });

  test('judges a transaction by its sum, over several shards, too', async () => {
    const keys = ['a', 'b', 'd', 'e'];
    const change = (changes: readonly (EntryPut | 'delete' | undefined)[]) =>
      store.transact(
        keys.map((key) => ({ namespace, key })),
        () => ({ output: undefined, changes }),
      );
    const entry = { value: Buffer.from('y'), expiresAt: undefined };
    expect(await change(['delete', 'delete', entry, entry])).toMatchObject({ kind: 'committed' });
    const refused = await change(['delete', entry, entry, entry]);
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'QUOTA_EXCEEDED' } });
    expect(await figures()).toEqual({ keys: 3, bytes: 6 });
  });

  test('keeps its bound after a restart and a reshard', async () => {
    await store.close();
    reshard(nodeFileSystem, folder.path, 2);
    await open(2);
    await setQuota({ keysMax: 3 });
    expect(await submit(put('d'))).toBe('QUOTA_EXCEEDED');
    expect(await submit(remove('c'))).toBe('deleted');
    expect(await submit(put('d'))).toBe('written');
  });

  test('that is lowered below what there is takes only what does not add to it', async () => {
    await setQuota({ keysMax: 1, bytesMax: 3 });
    expect(await submit(put('a', 2))).toBe('QUOTA_EXCEEDED');
    expect(await submit(put('a', 0))).toBe('written');
    expect(await submit(remove('b'))).toBe('deleted');
    expect(await submit(put('b'))).toBe('QUOTA_EXCEEDED');
    await setQuota({});
    expect(await submit(put('b'))).toBe('written');
  });

  test('binds no other namespace', async () => {
    const other = { op: 'put', namespace: 'other', key: 'z', value: Buffer.from('z') } as const;
    expect(await submit(other)).toBe('written');
  });
});

test('a quota that is set while writes are under way counts all of them', async () => {
  const writes = Array.from({ length: 200 }, (_, n) => submit(put(`k${n}`)));
  await setQuota({ keysMax: 200 });
  expect(await submit(put('more'))).toBe('QUOTA_EXCEEDED');
  expect(new Set(await Promise.all(writes))).toEqual(new Set(['written']));
});

/** The model of a quota: judges each command by what it would leave. */
class LimitedModel {
  readonly #executor = new CommandExecutor();
  readonly #quota: { keysMax: number; bytesMax: number };

  constructor(quota: { keysMax: number; bytesMax: number }) {
    this.#quota = quota;
  }

  get amount(): { keys: number; bytes: number } {
    let bytes = 0;
    for (const [key, { value }] of this.#executor.entries) bytes += key.length + value.length;
    return { keys: this.#executor.entries.size, bytes };
  }

  /** @returns false if the command may not be carried out */
  async run(line: string): Promise<boolean> {
    const before = new Map(this.#executor.entries);
    const old = this.amount;
    await this.#executor.execute(line.split(' '), clock.wallMs());
    const grown = this.amount;
    const { keysMax, bytesMax } = this.#quota;
    const isWithin =
      (grown.keys <= old.keys || grown.keys <= keysMax) &&
      (grown.bytes <= old.bytes || grown.bytes <= bytesMax);
    if (isWithin) return true;
    this.#executor.entries.clear();
    for (const [key, entry] of before) this.#executor.entries.set(key, entry);
    return false;
  }
}

const keys = fc.constantFrom('{t}a', '{t}b', '{t}c', '{t}d', '{t}e');
const sizes = fc.nat(40).map((size) => 'v'.repeat(size + 1));
const lines = fc.oneof(
  fc.tuple(fc.constant('set'), keys, sizes),
  fc.tuple(fc.constant('append'), keys, sizes),
  fc.tuple(fc.constant('mset'), keys, sizes, keys, sizes),
  fc.tuple(fc.constant('setrange'), keys, fc.nat(30).map(String), sizes),
  fc.tuple(fc.constantFrom('copy', 'rename'), keys, keys),
  fc.tuple(fc.constantFrom('del', 'getdel', 'persist'), keys),
);

test('one write at a time is let in exactly if the namespace stays within its quota', async () => {
  const quota = { keysMax: 4, bytesMax: 120 };
  await setQuota(quota);
  await fc.assert(
    fc.asyncProperty(fc.array(lines, { maxLength: 30 }), async (run) => {
      await store.transact([], () => ({ output: 0, changes: [], flush: [namespace] }), {
        alone: [namespace],
      });
      const model = new LimitedModel(quota);
      for (const words of run) {
        const line = words.join(' ');
        // oxlint-disable no-await-in-loop -- one at a time
        const [result] = await store.submitCommands([command(line)]);
        const isLetIn = await model.run(line);
        expect([line, kindOf(result)]).toEqual([line, isLetIn ? 'reply' : 'QUOTA_EXCEEDED']);
        expect(await figures()).toEqual(model.amount);
        // oxlint-enable no-await-in-loop
      }
    }),
    { numRuns: 60 },
  );
});

const outcomeOf = (result: { kind: string; error?: { code: string } }): string =>
  result.error?.code ?? result.kind;

async function write(random: Random): Promise<string> {
  const key = `k${randomBelow(random, 80)}`;
  const size = randomBelow(random, 150);
  switch (randomBelow(random, 6)) {
    case 0:
      return await submit(remove(key));
    case 1: {
      const [result] = await store.submitCommands([
        command(`append ${key} ${'v'.repeat(size + 1)}`),
      ]);
      return kindOf(result);
    }
    case 2: {
      const others = [key, `k${randomBelow(random, 80)}`, `k${randomBelow(random, 80)}`];
      const names = [...new Set(others)].map((each) => ({ namespace, key: each }));
      const changes = names.map(() =>
        pickFrom(random, ['delete' as const, { value: Buffer.alloc(size), expiresAt: undefined }]),
      );
      return outcomeOf(await store.transact(names, () => ({ output: 0, changes })));
    }
    case 3: {
      const results = await store.submitAll([put(key, size), remove(`k${size}`), put(`k${size}`)]);
      return kindOf(results[0]);
    }
    case 4:
      return await submit(put(key, size, { ttlMs: 1 + size }));
    default:
      return await submit(put(key, size));
  }
}

describe('64 writers on one quota', () => {
  const quota = { keysMax: 40, bytesMax: 4000 };
  const writers = 64;
  const steps = 60;

  test.each([1, 2, 3])('never exceed it, seed %i', async (seed) => {
    await setQuota(quota);
    const counts = new Map<string, number>();
    const run = { isOver: false };
    const watch = async (): Promise<void> => {
      while (!run.isOver) {
        // oxlint-disable-next-line no-await-in-loop -- again and again
        const { keys: held, bytes } = await figures();
        expect(held).toBeLessThanOrEqual(quota.keysMax);
        expect(bytes).toBeLessThanOrEqual(quota.bytesMax);
      }
    };
    const watching = watch();
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const random = seededRandom(seed * 1000 + writer);
        for (let step = 0; step < steps; step++) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other
          const kind = await write(random);
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
          if (step % 10 === 0) clock.advance(1);
        }
      }),
    );
    run.isOver = true;
    await watching;
    expect(counts.get('QUOTA_EXCEEDED')).toBeGreaterThan(10);
    expect(counts.get('written')).toBeGreaterThan(100);
    expect(counts.get('committed')).toBeGreaterThan(10);
    // Nothing is under way any more, so the bound is exact again.
    clock.advance(1000);
    await store.submitAll(Array.from({ length: 150 }, (_, n) => remove(`k${n}`)));
    const filled = await store.submitAll(
      Array.from({ length: quota.keysMax + 1 }, (_, n) => put(`f${n}`, 1)),
    );
    expect(filled.map(kindOf).filter((kind) => kind !== 'written')).toEqual(['QUOTA_EXCEEDED']);
  });
});
