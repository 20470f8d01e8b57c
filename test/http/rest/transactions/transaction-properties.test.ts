// Compares random transactions with a plain Map: over the model store, and over real threads and files.
import * as fc from 'fast-check';
import { test } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import { buildApp } from '../../../../src/http/app.ts';
import { drain, listen } from '../../../../src/http/server.ts';
import type { CommandStore } from '../../../../src/store/store.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../../../support/stores/embedded-store.ts';
import { ManualClock } from '../../../support/simulated/manual-clock.ts';
import { ModelStore } from '../../../support/stores/model-store.ts';
import { accessOver, testLimits } from '../../../support/http/open-app.ts';
import { PlainModel, step } from '../../../support/stores/random-transactions.ts';

/** A server that a test can start again over the same data. */
interface Server {
  readonly url: string;
  readonly now: () => number;
  readonly wait: (ms: number) => void;
  readonly restart: () => Promise<Server>;
  readonly end: () => Promise<void>;
}

async function serve(store: CommandStore, clock: Clock) {
  const app = await buildApp({
    store,
    clock,
    version: '0',
    logger: false,
    limits: testLimits,
    access: await accessOver(store),
  });
  const { url } = await listen(app, { host: '127.0.0.1', port: 0 });
  return { url, stop: () => drain(app, { deadlineMs: 1000 }) };
}

async function openModel(store = new ModelStore()): Promise<Server> {
  const clock = { wallMs: () => store.nowMs, monotonicMs: () => performance.now() };
  const { url, stop } = await serve(store, clock);
  const restart = async (): Promise<Server> => {
    await stop();
    return openModel(store);
  };
  const wait = (ms: number): void => void (store.nowMs += ms);
  return { url, now: clock.wallMs, wait, restart, end: stop };
}

async function openShards(
  folder?: TestFolder,
  clock: ManualClock = new ManualClock(),
): Promise<Server> {
  const { path, remove } = folder ?? (await makeTestFolder());
  const store = await openTestStore(path, { shards: 3, clock });
  const { url, stop } = await serve(store, clock);
  const close = async (): Promise<void> => {
    await stop();
    await store.close();
  };
  const restart = async (): Promise<Server> => {
    await close();
    return openShards({ path, remove }, clock);
  };
  const end = async (): Promise<void> => {
    await close();
    await remove();
  };
  return { url, now: () => clock.wallMs(), wait: (ms) => clock.advance(ms), restart, end };
}

test.each([
  ['the model store', openModel, 40],
  ['three shards', openShards, 5],
] as const)(
  'transactions over %s do what a Map does, through restarts',
  async (_, open, numRuns) => {
    const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' });
    const property = fc.asyncProperty(steps, async (script) => {
      const model = new PlainModel();
      let server = await open();
      try {
        for (const one of script) {
          if (one.do === 'wait') server.wait(one.ms);
          if (one.do === 'put') await model.put(server.url, one.key, one.value);
          if (one.do === 'transaction') await model.transact(server.url, one, server.now());
          if (one.do !== 'restart') continue;
          server = await server.restart();
          await model.checkAll(server.url, server.now());
        }
        await model.checkAll(server.url, server.now());
      } finally {
        await server.end();
      }
    });
    await fc.assert(property, { numRuns });
  },
  120_000,
);
